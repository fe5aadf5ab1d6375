import type { Session } from './databases.ts';
import { removeFace } from './faces.ts';
import { forgetGenerations } from './generations.ts';

/** Faces removed a transaction: small enough that nobody waits long behind one. */
const STEP = 256;

/** Removes the galleries that a reset or a delete left, in small steps, in the background. */
export class GarbageCollector {
  readonly #session: Session;
  #running: Promise<void> | null = null;
  #stopped = false;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Starts, if there is something to do and it is not running. A failure ends the run; the next start goes on. */
  start(): void {
    if (this.#stopped || this.#running) return;
    this.#running = this.#run().then(
      () => this.#ended(false),
      () => this.#ended(true),
    );
  }

  /** Resolves when nothing is running. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Ends after the step that is running. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.settled();
  }

  #ended(failed: boolean): void {
    this.#running = null;
    // Garbage that was made after the last look and before the run ended.
    if (!failed && !this.#stopped && this.#next() !== null) this.start();
  }

  async #run(): Promise<void> {
    for (let gallery = this.#next(); gallery !== null && !this.#stopped; gallery = this.#next()) {
      await this.#step(gallery);
    }
  }

  #next(): number | null {
    for (const gallery of this.#session.db.garbage.getKeys({ limit: 1 })) return gallery;
    return null;
  }

  #step(gallery: number): Promise<void> {
    const { db, write } = this.#session;
    return write(() => {
      const range = db.faces.getRange({ start: [gallery], end: [gallery + 1], limit: STEP });
      const faces = Array.from(range);
      for (const { key, value } of faces) removeFace(db, { gallery, label: key[1] }, value);
      if (faces.length === STEP) return;
      forgetGenerations(db, gallery);
      db.garbage.remove(gallery);
    });
  }
}
