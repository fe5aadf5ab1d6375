import { createHmac } from 'node:crypto';
import type { Actor } from '../api/caller.ts';
import { VisageError } from '../errors.ts';
import { requireCollection } from './collections.ts';
import { type Databases, type StoreContext, writeAs } from './databases.ts';
import { changed } from './proposals.ts';

export interface Dismissal {
  readonly gallery: number;
  readonly kind: string;
  /** External keys, and labels of faces without one. */
  readonly targets: readonly (string | number)[];
  /** Other faces under the same targets end the dismissal; empty if they do not. */
  readonly faces: string;
  /** One of each group, as examined. */
  readonly examined: readonly { readonly label: number; readonly externalKey: string | null }[];
}

/** A finding is dismissed if all its targets have the entry, which disappears with a target. */
export class Dismissals {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  has(dismissal: Dismissal): boolean {
    const { db } = this.#context;
    const { faces } = dismissal;
    return keysOf(db, dismissal).every((key) => db.dismissals.get(key) === faces);
  }

  /** @throws `PRECONDITION_FAILED` if a face has changed; `COLLECTION_NOT_FOUND`. */
  dismiss(owner: Actor, collectionId: string, dismissal: Dismissal): Promise<void> {
    const { db } = this.#context;
    return writeAs(this.#context, owner, () => {
      const { gallery, examined, faces } = dismissal;
      const isSame = examined.every(
        ({ label, externalKey }) => db.faces.get([gallery, label])?.externalKey === externalKey,
      );
      if (requireCollection(db, owner, collectionId).gallery !== gallery || !isSame) throw changed();
      for (const key of keysOf(db, dismissal)) db.dismissals.put(key, faces);
    });
  }

  /** @throws `NOT_FOUND` if it is not dismissed; `COLLECTION_NOT_FOUND`. */
  restore(owner: Actor, collectionId: string, dismissal: Dismissal): Promise<void> {
    const { db } = this.#context;
    return writeAs(this.#context, owner, () => {
      requireCollection(db, owner, collectionId);
      if (!this.has(dismissal)) throw new VisageError('NOT_FOUND', 'The finding is not dismissed.');
      for (const key of keysOf(db, dismissal)) db.dismissals.remove(key);
    });
  }
}

function keysOf(
  db: Databases,
  { gallery, kind, targets }: Dismissal,
): [gallery: number, target: string | number, id: string][] {
  const secret = db.secrets.get('externalKeys');
  if (!secret) throw new Error('The store has no secret for external keys.');
  const names = targets.map((target) => JSON.stringify(target)).sort();
  const id = createHmac('sha256', secret).update(JSON.stringify([gallery, kind, names]));
  const digest = id.digest('base64url');
  return [...new Set(targets)].map((target) => [gallery, target, digest]);
}
