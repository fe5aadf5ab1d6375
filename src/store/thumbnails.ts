/**
 * When a collection stops keeping crops, `thumbnailGarbage` marks its gallery with the first unused label.
 * Readers hide earlier crops at once; the service erases them in the background.
 */
import type { Databases, StoreContext } from './databases.ts';
import type { FacePlace, ProposalRecord, SetAside } from './records.ts';

const PROPOSALS_AT_ONCE = 16;

export function markThumbnails(db: Databases, gallery: number): void {
  const own = { start: [gallery] as never, end: [gallery + 1] as never, limit: 1 };
  const isKept = [db.thumbnails, db.eventCrops, db.proposals].some(
    (each) => each.getKeysCount({ ...own }) > 0,
  );
  if (isKept) db.thumbnailGarbage.put(gallery, db.meta.get('nextLabel') ?? 1);
}

/** Crops of faces that proposals have removed. @returns true if none remain. */
function eraseSetAside(db: Databases, gallery: number, firstKept: number): boolean {
  const isOld = ({ label, thumbnail }: SetAside) => thumbnail !== null && label < firstKept;
  const found: { readonly key: [number, string]; readonly value: ProposalRecord }[] = [];
  for (const { key, value } of db.proposals.getRange({ start: [gallery], end: [gallery + 1] } as never)) {
    if (value.removed.some(isOld)) found.push({ key, value });
    if (found.length === PROPOSALS_AT_ONCE) break;
  }
  for (const { key, value } of found) {
    const removed = value.removed.map((face) => (isOld(face) ? { ...face, thumbnail: null } : face));
    db.proposals.put(key, { ...value, removed });
  }
  return found.length < PROPOSALS_AT_ONCE;
}

export function eraseThumbnails(db: Databases, gallery: number, limit: number): void {
  const firstKept = db.thumbnailGarbage.get(gallery) ?? 0;
  if (!eraseSetAside(db, gallery, firstKept)) return;
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
