/** What the clients were told, and what must therefore be true after a crash. */

/** A face is there, with or without an external key, or it is not. */
export type State = { readonly key: string | null } | 'gone';

export interface LedgerFace {
  readonly faceId: string;
  readonly collectionId: string;
  /** Number of the picture that it was indexed from. */
  readonly picture: number;
  /** What was acknowledged last. */
  state: State;
  /** What the call under way would make of it, if it takes effect; undefined where none is. */
  maybe: State | undefined;
  /** The round in which it was last written to. */
  round: number;
}

export interface StoredFace {
  readonly faceId: string;
  readonly externalKey: string | null;
}

function same(first: State | undefined, second: State): boolean {
  if (first === undefined || first === 'gone' || second === 'gone') return first === second;
  return first.key === second.key;
}

function inWords(state: State | undefined): string {
  if (state === undefined) return 'nothing else';
  return state === 'gone' ? 'gone' : `there with the key ${state.key}`;
}

export class Ledger {
  readonly faces = new Map<string, LedgerFace>();
  /** By collection: faces that may have been added by calls that were never answered. */
  readonly unanswered = new Map<string, number>();
  round = 0;

  /** Faces of a collection that are there as far as is known. */
  facesOf(collectionId: string): LedgerFace[] {
    return [...this.faces.values()].filter(
      (face) => face.collectionId === collectionId && face.state !== 'gone',
    );
  }

  /** Runs a call that adds a face. @param call answers the face's id. @param key the external key that it gets. */
  async adding(
    collectionId: string,
    picture: number,
    call: () => Promise<string>,
    key: string | null = null,
  ): Promise<LedgerFace> {
    const unanswered = this.unanswered.get(collectionId) ?? 0;
    this.unanswered.set(collectionId, unanswered + 1);
    const faceId = await call();
    this.unanswered.set(collectionId, (this.unanswered.get(collectionId) ?? 1) - 1);
    const known = this.faces.get(faceId);
    if (known) return known;
    const { round } = this;
    const face = { faceId, collectionId, picture, state: { key }, maybe: undefined, round };
    this.faces.set(faceId, face);
    return face;
  }

  /** Runs a call that brings faces to a state. */
  async changing(faces: readonly LedgerFace[], state: State, call: () => Promise<unknown>): Promise<void> {
    for (const face of faces) Object.assign(face, { maybe: state, round: this.round });
    await call();
    for (const face of faces) Object.assign(face, { state, maybe: undefined });
  }

  /**
   * Compares with what is in the store of a collection, and takes over what became of unanswered calls.
   * @returns what is wrong, in words.
   */
  settle(collectionId: string, stored: readonly StoredFace[]): string[] {
    const problems: string[] = [];
    const found = new Map(stored.map((face) => [face.faceId, face]));
    let known = 0;
    for (const face of this.faces.values()) {
      if (face.collectionId !== collectionId) continue;
      const record = found.get(face.faceId);
      if (record) known++;
      const actual: State = record ? { key: record.externalKey } : 'gone';
      if (!same(face.state, actual) && !same(face.maybe, actual)) {
        problems.push(
          `A face of ${collectionId} was acknowledged as ${inWords(face.state)} (under way: ${inWords(face.maybe)}), ` +
            `but is ${inWords(actual)}`,
        );
      }
      face.state = actual;
      face.maybe = undefined;
    }
    const unanswered = this.unanswered.get(collectionId) ?? 0;
    if (stored.length - known > unanswered) {
      problems.push(
        `${collectionId} holds ${stored.length - known} faces that nobody was told of, and ${unanswered} calls that add ` +
          'one were not answered',
      );
    }
    return problems;
  }
}
