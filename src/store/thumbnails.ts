/**
 * When a collection stops keeping crops, `thumbnailGarbage` marks its gallery with the first unused label.
 * Readers hide earlier crops at once; the service erases them in the background.
 */
import type { Databases, StoreContext } from './databases.ts';
import type { FacePlace, SetAside } from './records.ts';

const PROPOSALS_AT_ONCE = 4;

/** By gallery: the last proposal searched for crops; null at the end. */
export type SetAsideSearches = Map<number, { readonly firstKept: number; readonly after: string | null }>;

export function markThumbnails(db: Databases, gallery: number): void {
  const own = { start: [gallery] as never, end: [gallery + 1] as never, limit: 1 };
  const isKept = [db.thumbnails, db.eventCrops, db.proposals].some(
    (each) => each.getKeysCount({ ...own }) > 0,
  );
  if (isKept) db.thumbnailGarbage.put(gallery, db.meta.get('nextLabel') ?? 1);
}

/** @returns the last proposal of this step; null at the end. */
function eraseSetAside(db: Databases, gallery: number, firstKept: number, after: string): string | null {
  const isOld = ({ label, thumbnail }: SetAside) => thumbnail !== null && label < firstKept;
  const range = { start: [gallery, `${after}!`], end: [gallery + 1], limit: PROPOSALS_AT_ONCE };
  const page = Array.from(db.proposals.getRange(range as never));
  for (const { key, value } of page) {
    if (!value.removed.some(isOld)) continue;
    const removed = value.removed.map((face) => (isOld(face) ? { ...face, thumbnail: null } : face));
    db.proposals.put(key, { ...value, removed });
  }
  return page.length < PROPOSALS_AT_ONCE ? null : (page.at(-1)?.key[1] ?? null);
}

/** @param searches to clear when a transaction fails. */
export function eraseThumbnails(
  db: Databases,
  gallery: number,
  limit: number,
  searches: SetAsideSearches,
): void {
  const firstKept = db.thumbnailGarbage.get(gallery) ?? 0;
  const search = searches.get(gallery);
  const begun = search?.firstKept === firstKept ? search.after : '';
  if (begun !== null) {
    const after = eraseSetAside(db, gallery, firstKept, begun);
    searches.set(gallery, { firstKept, after });
    if (after !== null) return;
  }
  const end = [gallery, firstKept];
  const faces = Array.from(db.thumbnails.getKeys({ start: [gallery], end, limit } as never));
  for (const place of faces) db.thumbnails.remove(place);
  if (faces.length === limit) return;
  const events = Array.from(db.eventCrops.getKeys({ start: [gallery], end: [gallery + 1], limit } as never));
  for (const place of events) {
    db.eventCrops.remove(place);
    db.eventCropQueue.remove(place[1]);
  }
  if (events.length < limit) db.thumbnailGarbage.remove(gallery);
}

export class Thumbnails {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  get({ gallery, label }: FacePlace): Buffer | null {
    if (label < this.#firstKept(gallery)) return null;
    return this.#context.db.thumbnails.get([gallery, label]) ?? null;
  }

  has({ gallery, label }: FacePlace): boolean {
    return label >= this.#firstKept(gallery) && this.#context.db.thumbnails.doesExist([gallery, label]);
  }

  isErasing(gallery: number): boolean {
    return this.#context.db.thumbnailGarbage.doesExist(gallery);
  }

  #firstKept(gallery: number): number {
    return this.#context.db.thumbnailGarbage.get(gallery) ?? 0;
  }
}
