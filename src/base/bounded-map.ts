/** Keeps the `limit` newest entries, and at most a sixteenth more; setting a key again keeps its age. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #limit: number;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  override set(key: Key, value: Value): this {
    super.set(key, value);
    if (this.size > this.#limit + (this.#limit >> 4)) this.#removeOldest(this.size - this.#limit);
    return this;
  }

  #removeOldest(count: number): void {
    let left = count;
    for (const key of this.keys()) {
      if (left-- === 0) return;
      this.delete(key);
    }
  }
}
