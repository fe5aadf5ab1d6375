/** What the service tells systemd: that it is ready, reloads, stops, lives (sd_notify(3)). Elsewhere nothing is sent. */
import { sendDatagram } from '../native/system.ts';
import type { Log } from './log.ts';

const MICROSECONDS = 1_000_000;

/** Sends one message of `NAME=value` lines. */
export type Send = (socket: string, text: string) => void;

/** The process's own way to its service manager. A message that cannot be sent is logged and not tried again. */
export class ServiceManager {
  /** Milliseconds within which systemd wants to hear that the service lives; null where it does not watch. */
  readonly watchdogMs: number | null;
  readonly #socket: string | null;
  readonly #log: Log;
  readonly #send: Send;

  /**
   * Takes `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` out of the environment, so that no child has them.
   * @param send replaced where a test has no socket.
   */
  constructor(environment: NodeJS.ProcessEnv, log: Log, send: Send = sendDatagram) {
    const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: limit, WATCHDOG_PID: pid } = environment;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
    this.#socket = socket || null;
    this.#log = log;
    this.#send = send;
    const isMeant = pid === undefined || Number(pid) === process.pid;
    const microseconds = Number(limit);
    this.watchdogMs = this.#socket && isMeant && microseconds > 0 ? microseconds / 1_000 : null;
  }

  /** Whether anybody is told. */
  get isPresent(): boolean {
    return this.#socket !== null;
  }

  /** Up to here, systemd waits; `status` is what `systemctl status` shows. */
  ready(status: string): void {
    this.#notify('READY=1', statusLine(status));
  }

  /** The settings are read again; {@link ready} ends it. */
  reloading(): void {
    // The clock that systemd compares it with is the one of process.hrtime().
    this.#notify(
      'RELOADING=1',
      `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`,
      statusLine('Reloading'),
    );
  }

  stopping(): void {
    this.#notify('STOPPING=1', statusLine('Stopping'));
  }

  /** How far the start is. @param seconds that it may take from now on until it is told again or is ready. */
  starting(status: string, seconds: number): void {
    this.#notify(statusLine(status), `EXTEND_TIMEOUT_USEC=${seconds * MICROSECONDS}`);
  }

  /** The service lives. */
  alive(): void {
    this.#notify('WATCHDOG=1');
  }

  #notify(...lines: string[]): void {
    if (this.#socket === null) return;
    try {
      this.#send(this.#socket, lines.join('\n'));
    } catch (cause) {
      this.#log.warn({ err: cause, told: lines[0] }, 'systemd was not told');
    }
  }
}

/** One line, whatever an error says. */
function statusLine(status: string): string {
  return `STATUS=${status.replaceAll(/\s+/g, ' ')}`;
}
