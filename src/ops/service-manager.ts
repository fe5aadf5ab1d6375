/** sd_notify(3). */

import { parseWhole } from '../base/decimal.ts';
import { visible } from '../base/visible-text.ts';
import { sendDatagram } from '../native/system.ts';
import type { Log } from './log.ts';

const MICROSECONDS = 1_000_000;

export type Send = (socket: string, text: string) => void;

export class ServiceManager {
  readonly watchdogMs: number | null;
  readonly #socket: string | null;
  readonly #log: Log;
  readonly #send: Send;

  /** Children do not inherit the removed variables. */
  constructor(environment: NodeJS.ProcessEnv, log: Log, send: Send = sendDatagram) {
    const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: limit, WATCHDOG_PID: pid } = environment;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
    this.#socket = socket || null;
    this.#log = log;
    this.#send = send;
    const isMeant = pid === undefined || parseWhole(pid) === process.pid;
    const microseconds = parseWhole(limit ?? '') ?? 0;
    this.watchdogMs = this.#socket && isMeant && microseconds > 0 ? microseconds / 1_000 : null;
  }

  get isPresent(): boolean {
    return this.#socket !== null;
  }

  ready(status: string): void {
    this.#notify('READY=1', statusLine(status));
  }

  reloading(): void {
    // systemd compares with CLOCK_MONOTONIC, the clock of process.hrtime().
    this.#notify(
      'RELOADING=1',
      `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`,
      statusLine('Reloading'),
    );
  }

  stopping(): void {
    this.#notify('STOPPING=1', statusLine('Stopping'));
  }

  /** @param seconds until the next report or readiness. */
  starting(status: string, seconds: number): void {
    this.#notify(statusLine(status), `EXTEND_TIMEOUT_USEC=${seconds * MICROSECONDS}`);
  }

  alive(): void {
    this.#notify('WATCHDOG=1');
  }

  #notify(...lines: string[]): void {
    if (this.#socket === null) return;
    try {
      this.#send(this.#socket, lines.join('\n'));
    } catch (cause) {
      this.#log.warn({ err: cause, told: lines[0] }, 'systemd could not be notified');
    }
  }
}

function statusLine(status: string): string {
  return `STATUS=${visible(status.replaceAll(/\s+/g, ' '))}`;
}
