/** A file in the data folder while a start opens the store: left behind, the start was killed or crashed. */
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
