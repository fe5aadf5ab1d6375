import type { Socket } from 'node:net';
import { originOf } from '../base/client-address.ts';
import { type Network, parseAddress, within } from '../base/ip-networks.ts';
import type { ConnectionConfig } from '../config/config.ts';
import type { Connection } from './connection.ts';

const CLOSE_REASONS = [
  'address_limit',
  'total_limit',
  'made_room',
  'not_reading',
  'malformed',
  'tls',
] as const;
export type CloseReason = (typeof CLOSE_REASONS)[number];

interface Entry {
  readonly socket: Socket;
  readonly origin: string;
  readonly since: number;
  /** Null during the TLS handshake. */
  connection: Connection | null;
}

/** Slower handshakes yield to a new connection of their address. */
const HANDSHAKE_MS = 5_000;

export interface ConnectionsOptions {
  readonly limits: ConnectionConfig;
  readonly trustedProxies: () => readonly Network[];
  /** @param origin an address, or its /64. */
  readonly onClose?: (reason: CloseReason, origin: string) => void;
}

function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

export class Connections {
  /** A reload replaces the limits for new connections. */
  limits: ConnectionConfig;
  readonly #options: ConnectionsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #byOrigin = new Map<string, Set<Entry>>();
  readonly closed: Record<CloseReason, number> = {
    address_limit: 0,
    total_limit: 0,
    made_room: 0,
    not_reading: 0,
    malformed: 0,
    tls: 0,
  };

  constructor(options: ConnectionsOptions) {
    this.limits = options.limits;
    this.#options = options;
  }

  get open(): number {
    return this.#entries.size;
  }

  /**
   * Without a free place, closes the longest stalled or idle connection.
   * @returns the limit that refuses the socket, or null.
   */
  admit(socket: Socket): 'address_limit' | 'total_limit' | null {
    const { trustedProxies } = this.#options;
    const { maxPerAddress, maxTotal } = this.limits;
    const address = parseAddress(socket.remoteAddress ?? '');
    const origin = originOf(address?.toString() ?? '');
    const own = this.#byOrigin.get(origin) ?? new Set<Entry>();
    const isProxy = address !== null && within(address, trustedProxies());
    if (!isProxy && own.size >= maxPerAddress && !this.#makeRoom(own)) return 'address_limit';
    if (this.#entries.size >= maxTotal && !this.#makeRoom(this.#entries.values())) return 'total_limit';
    const key = keyOf(socket);
    const entry: Entry = { socket, origin, since: performance.now(), connection: null };
    own.add(entry);
    this.#byOrigin.set(origin, own);
    this.#entries.set(key, entry);
    socket.once('close', () => this.#remove(key, entry));
    return null;
  }

  attach(socket: Socket, connection: Connection): void {
    const entry = this.#entries.get(keyOf(socket));
    if (entry) entry.connection = connection;
  }

  tell(reason: CloseReason, remoteAddress: string | undefined): void {
    this.closed[reason]++;
    const address = parseAddress(remoteAddress ?? '');
    this.#options.onClose?.(reason, originOf(address?.toString() ?? ''));
  }

  #remove(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
    const own = this.#byOrigin.get(entry.origin);
    own?.delete(entry);
    if (own?.size === 0) this.#byOrigin.delete(entry.origin);
  }

  #makeRoom(entries: Iterable<Entry>): boolean {
    const now = performance.now();
    let most = 0;
    let worst: Entry | null = null;
    for (const entry of entries) {
      const { connection, since } = entry;
      const overstayed = connection ? connection.overstayed(now) : now - since - HANDSHAKE_MS;
      if (overstayed <= most) continue;
      most = overstayed;
      worst = entry;
    }
    if (!worst) return false;
    this.tell('made_room', worst.socket.remoteAddress);
    worst.socket.destroy();
    this.#remove(keyOf(worst.socket), worst);
    return true;
  }
}
