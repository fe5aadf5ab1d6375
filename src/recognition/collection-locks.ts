import type { Caller } from '../access/caller.ts';

/** One lock a collection, first come first served: for the calls that search and then write what they did not find. */
export class CollectionLocks {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `work` when everybody who asked for this collection before has ended. */
  async run<T>({ accountId, environment }: Caller, collectionId: string, work: () => Promise<T>): Promise<T> {
    const name = `${accountId}/${environment}/${collectionId}`;
    const before = this.#last.get(name);
    const result = (before ?? Promise.resolve()).then(work);
    const ended = result.then(
      () => {},
      () => {},
    );
    this.#last.set(name, ended);
    try {
      return await result;
    } finally {
      if (this.#last.get(name) === ended) this.#last.delete(name);
    }
  }
}
