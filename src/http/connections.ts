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

/** After this time, a silent connection yields to a new one of its address. */
const IDLE_MS = 5_000;

export interface ConnectionsOptions {
  readonly limits: ConnectionConfig;
  readonly trustedProxies: () => readonly Network[];
  /** @param origin an address, or its /64. */
  readonly onClose?: (reason: CloseReason, origin: string) => void;
}

function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

function longestSilent(entries: Iterable<Entry>, patienceMs: number) {
  const now = performance.now();
  const longest = { entry: null as Entry | null, silence: 0, count: 0 };
  for (const entry of entries) {
    const { connection, since } = entry;
    const silence = connection ? connection.overstayed(now, patienceMs) : now - since - patienceMs;
    if (silence <= 0) continue;
    longest.count++;
    if (silence <= longest.silence) continue;
    longest.silence = silence;
    longest.entry = entry;
  }
  return longest;
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
   * Without a free place, closes the connection that has waited longest for its client. In total, silence of any
   * length suffices, and the address with the most such connections loses one.
   * @returns the limit that refuses the socket, or null.
   */
  admit(socket: Socket): 'address_limit' | 'total_limit' | null {
    const { trustedProxies } = this.#options;
    const { maxPerAddress, maxTotal } = this.limits;
    const address = parseAddress(socket.remoteAddress ?? '');
    const origin = originOf(address?.toString() ?? '');
    const own = this.#byOrigin.get(origin) ?? new Set<Entry>();
    const isProxy = address !== null && within(address, trustedProxies());
    if (!isProxy && own.size >= maxPerAddress && !this.#close(longestSilent(own, IDLE_MS).entry))
      return 'address_limit';
    if (this.#entries.size >= maxTotal && !this.#close(this.#longestSilentOfMost())) return 'total_limit';
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

  #longestSilentOfMost(): Entry | null {
    let worst = { entry: null as Entry | null, silence: 0, count: 0 };
    for (const own of this.#byOrigin.values()) {
      if (own.size < worst.count) continue;
      const found = longestSilent(own, 0);
      // A trusted proxy stands for many clients.
      const count = Math.min(found.count, this.limits.maxPerAddress);
      if (count < worst.count || (count === worst.count && found.silence <= worst.silence)) continue;
      worst = { ...found, count };
    }
    return worst.entry;
  }

  #close(entry: Entry | null): boolean {
    if (!entry) return false;
    this.tell('made_room', entry.socket.remoteAddress);
    entry.socket.destroy();
    this.#remove(keyOf(entry.socket), entry);
    return true;
  }
}
