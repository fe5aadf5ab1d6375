import type { Caller } from '../api/caller.ts';
import { Turn } from '../base/turns.ts';
import { mayUse } from './model-choice.ts';
import type { RecognitionParts } from './requests.ts';

/** Limits a call to some milliseconds. */
const MAX_SCAN = 10_000;
const PAGE = 128;

export interface ModelView {
  readonly model: string;
  readonly version: string;
  readonly isDefault: boolean;
  readonly dimension: number;
  readonly hasPose: boolean;
  readonly hasLiveness: boolean;
  readonly collectionCount: number;
}

export class ModelService {
  readonly #parts: RecognitionParts;

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
  }

  async list(caller: Caller): Promise<readonly ModelView[]> {
    const { recognizers } = this.#parts;
    const counts = await this.#countCollections(caller);
    return recognizers.all
      .filter(({ packId }) => mayUse(caller, packId.pack))
      .map((recognizer) => {
        const { packId, dimension, hasPose, liveness } = recognizer;
        return {
          model: packId.pack,
          version: packId.packVersion,
          isDefault: recognizer === recognizers.default,
          dimension,
          hasPose,
          hasLiveness: liveness !== undefined,
          collectionCount: counts.get(packId.pack) ?? 0,
        };
      });
  }

  async #countCollections(caller: Caller): Promise<Map<string, number>> {
    const { store } = this.#parts;
    const counts = new Map<string, number>();
    const count = (pack: string) => counts.set(pack, (counts.get(pack) ?? 0) + 1);
    if (caller.collectionId !== null) {
      const own = store.collections.get(caller, caller.collectionId);
      if (own) count(own.pack);
      return counts;
    }
    const turn = new Turn();
    let last: string | null = null;
    for (let seen = 0; seen < MAX_SCAN; seen += PAGE) {
      const page = store.collections.list(caller, last, Math.min(PAGE, MAX_SCAN - seen));
      for (const { pack } of page) count(pack);
      if (page.length < PAGE) break;
      last = page.at(-1)?.collectionId ?? null;
      if (turn.isOver) await turn.next();
    }
    return counts;
  }
}
