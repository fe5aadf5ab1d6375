import { eraseAnswersIn, eraseAnswersOf } from './answer-erasure.ts';
import type { StoreContext } from './databases.ts';
import { eraseGallery, eraseTarget } from './event-erasure.ts';
import { removeFaces } from './faces.ts';
import { removeGenerations } from './generations.ts';
import { STEP } from './key-steps.ts';
import { eraseProposals } from './proposal-erasure.ts';
import { eraseRows } from './row-galleries.ts';
import { eraseThumbnails, type SetAsideSearches } from './thumbnails.ts';

export class GarbageCollector {
  readonly #context: StoreContext;
  readonly #searches: SetAsideSearches = new Map();
  #running: Promise<void> | null = null;
  #stopped = false;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** An error ends the run; the next start resumes it. */
  start(): void {
    if (this.#stopped || this.#running) return;
    this.#running = this.#run().then(
      () => this.#ended(false),
      () => this.#ended(true),
    );
  }

  async settled(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.settled();
  }

  #ended(failed: boolean): void {
    this.#running = null;
    this.#searches.clear();
    if (!failed && !this.#stopped && this.#next() !== null) this.start();
  }

  async #run(): Promise<void> {
    for (let step = this.#next(); step !== null && !this.#stopped; step = this.#next()) {
      await this.#context.writeStep(step);
    }
  }

  #next(): (() => void) | null {
    const { db } = this.#context;
    for (const [gallery, target] of db.eventGarbage.getKeys({ limit: 1 })) {
      return () => void eraseTarget(db, gallery, target, STEP);
    }
    for (const gallery of db.thumbnailGarbage.getKeys({ limit: 1 })) {
      return () => eraseThumbnails(db, gallery, STEP, this.#searches);
    }
    for (const [gallery, name] of db.answerGarbage.getKeys({ limit: 1 })) {
      return () => void eraseAnswersOf(db, gallery, name, STEP);
    }
    for (const gallery of db.rowGarbage.getKeys({ limit: 1 })) return () => eraseRows(db, gallery, STEP);
    for (const gallery of db.garbage.getKeys({ limit: 1 })) return () => this.#removeSome(gallery);
    return null;
  }

  #removeSome(gallery: number): void {
    const { db } = this.#context;
    if (!eraseProposals(db, gallery, STEP)) return;
    if (!eraseGallery(db, gallery, STEP) || !eraseAnswersIn(db, gallery, STEP)) return;
    const range = db.faces.getRange({ start: [gallery], end: [gallery + 1], limit: STEP });
    const faces = Array.from(range);
    removeFaces(
      db,
      gallery,
      faces.map(({ key, value }) => ({ label: key[1], face: value })),
    );
    if (faces.length === STEP) return;
    removeGenerations(db, gallery);
    db.faceCounts.remove(gallery);
    db.thumbnailGarbage.remove(gallery);
    db.garbage.remove(gallery);
  }
}
