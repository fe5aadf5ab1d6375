import type { Recognizer } from './recognizer.ts';

/** The model packs at work, at least one, each under its own name. The first is the default. */
export class Recognizers {
  readonly default: Recognizer;
  readonly #byName: ReadonlyMap<string, Recognizer>;

  /** @throws Error for no pack at all, or for two of one name. */
  constructor(recognizers: readonly Recognizer[]) {
    const [first] = recognizers;
    if (!first) throw new Error('There is no model pack.');
    this.default = first;
    this.#byName = new Map(recognizers.map((recognizer) => [recognizer.packId.pack, recognizer]));
    if (this.#byName.size < recognizers.length) {
      const names = recognizers.map(({ packId }) => packId.pack).join(', ');
      throw new Error(
        `Two model packs have the same name (${names}). Name each of them once in the settings model_pack and ` +
          'extra_model_packs.',
      );
    }
  }

  /** In the order of the settings. */
  get all(): readonly Recognizer[] {
    return [...this.#byName.values()];
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  /** Null where no pack of this name is at work. */
  byName(pack: string): Recognizer | null {
    return this.#byName.get(pack) ?? null;
  }

  /** Null where this very version of a pack is not at work. */
  of({ pack, packVersion }: Recognizer['packId']): Recognizer | null {
    const recognizer = this.#byName.get(pack);
    return recognizer?.packId.packVersion === packVersion ? recognizer : null;
  }
}
