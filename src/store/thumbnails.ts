/**
 * When a collection stops keeping crops, `thumbnailGarbage` marks its gallery with the first unused label.
 * Readers hide crops of earlier labels and of events at once; the service erases them in the background.
 */
import type { Databases, StoreContext } from './databases.ts';
import type { FacePlace } from './records.ts';

export function markThumbnails(db: Databases, gallery: number): void {
  const own = { start: [gallery] as never, end: [gallery + 1] as never, limit: 1 };
  const isKept = db.thumbnails.getKeysCount(own) + db.eventCrops.getKeysCount(own) > 0;
  if (isKept) db.thumbnailGarbage.put(gallery, db.meta.get('nextLabel') ?? 1);
  // Crops of faces that a proposal has removed.
  const range = { start: [gallery], end: [gallery + 1] } as never;
  for (const { key, value } of Array.from(db.proposals.getRange(range))) {
    if (value.removed.every(({ thumbnail }) => thumbnail === null)) continue;
    db.proposals.put(key, { ...value, removed: value.removed.map((face) => ({ ...face, thumbnail: null })) });
  }
}

export function eraseThumbnails(db: Databases, gallery: number, limit: number): void {
  const end = [gallery, db.thumbnailGarbage.get(gallery) ?? 0];
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
