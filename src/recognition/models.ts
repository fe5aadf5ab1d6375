import type { Caller } from '../api/caller.ts';
import { Turn } from '../base/turns.ts';
import type { PackId } from '../store/records.ts';
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
  readonly olderVersions: readonly { readonly version: string; readonly collectionCount: number }[];
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
          collectionCount: counts.of(packId.pack),
          olderVersions: recognizers.older
            .filter((older) => older.packId.pack === packId.pack)
            .map(({ packId: { pack, packVersion } }) => {
              return { version: packVersion, collectionCount: counts.of(pack, packVersion) };
            }),
        };
      });
  }

  async #countCollections(caller: Caller): Promise<CollectionCounts> {
    const { store } = this.#parts;
    const counts = new CollectionCounts();
    if (caller.collectionId !== null) {
      const own = store.collections.get(caller, caller.collectionId);
      if (own) counts.add(own);
      return counts;
    }
    const turn = new Turn();
    let last: string | null = null;
    for (let seen = 0; seen < MAX_SCAN; seen += PAGE) {
      const page = store.collections.list(caller, last, Math.min(PAGE, MAX_SCAN - seen));
      for (const collection of page) counts.add(collection);
      if (page.length < PAGE) break;
      last = page.at(-1)?.collectionId ?? null;
      if (turn.isOver) await turn.next();
    }
    return counts;
  }
}

class CollectionCounts {
  readonly #counts = new Map<string, number>();

  add({ pack, packVersion }: PackId): void {
    for (const name of [pack, `${pack} ${packVersion}`])
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** @param version default: all. */
  of(pack: string, version?: string): number {
    return this.#counts.get(version === undefined ? pack : `${pack} ${version}`) ?? 0;
  }
}
