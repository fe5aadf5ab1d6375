export type State = { readonly key: string | null } | 'gone';

export interface LedgerFace {
  readonly faceId: string;
  readonly collectionId: string;
  readonly picture: number;
  state: State;
  maybe: State | undefined;
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
  readonly unanswered = new Map<string, number>();
  round = 0;

  facesOf(collectionId: string): LedgerFace[] {
    return [...this.faces.values()].filter(
      (face) => face.collectionId === collectionId && face.state !== 'gone',
    );
  }

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

  async changing(faces: readonly LedgerFace[], state: State, call: () => Promise<unknown>): Promise<void> {
    for (const face of faces) Object.assign(face, { maybe: state, round: this.round });
    await call();
    for (const face of faces) Object.assign(face, { state, maybe: undefined });
  }

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
