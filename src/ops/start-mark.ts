/**
 * A file that lies in the data folder while a start opens the store. A start that finds it knows that the last
 * one was killed, or crashed on a damaged file.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class StartMark {
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, 'opening');
  }

  get isLeft(): boolean {
    return existsSync(this.#path);
  }

  set(): void {
    try {
      writeFileSync(this.#path, '', { mode: 0o600 });
    } catch {
      // A full disk must not prevent the start.
    }
  }

  clear(): void {
    rmSync(this.#path, { force: true });
  }
}
