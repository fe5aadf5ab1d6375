/**
 * Fills the vector indexes when the service starts: each gallery from its snapshot where that can be believed, else from
 * the store. A snapshot that is behind the store is brought up to it; whatever is wrong with one costs time and no more.
 */
import type { Log } from '../ops/log.ts';
import type { Faces } from '../store/faces.ts';
import type { GalleryState } from '../store/generations.ts';
import type { PackId } from '../store/records.ts';
import type { GalleryIndexes } from '../vector/galleries.ts';
import type { SnapshotFolder, SnapshotStamp } from '../vector/snapshots.ts';

/** Templates that are read from the store at once: some milliseconds, in which nothing else is answered. */
const BATCH = 1024;
/** Labels that are looked at before something else gets a turn. */
const LABELS_A_TURN = 4_096;

/** Where the faces of the indexes came from. */
export interface IndexStart {
  readonly faces: number;
  /** Of these, the ones that came from snapshots. */
  readonly fromSnapshots: number;
  readonly seconds: number;
}

export interface IndexStartParts {
  readonly store: { readonly faces: Faces };
  readonly indexes: GalleryIndexes;
  readonly snapshots: SnapshotFolder;
  readonly packs: readonly { readonly packId: PackId; readonly dimension: number }[];
  readonly log: Log;
}

/**
 * Fills indexes that hold nothing yet.
 * @param onProgress is told the faces held so far, and of how many; these may include some of collections that are being
 *   removed.
 * @throws Error if an index does not hold what the store does.
 */
export async function startIndexes(
  parts: IndexStartParts,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<IndexStart> {
  const { store, indexes, snapshots, packs } = parts;
  const began = performance.now();
  const galleries: StartedGallery[] = packs.flatMap(({ packId, dimension }) =>
    store.faces.galleriesOf(packId).map((gallery) => ({ gallery, packId, dimension })),
  );
  const known = new Set(galleries.map(({ gallery }) => gallery));
  const galleriesOfSnapshots = snapshots.galleries();
  // Of collections that were reset or deleted when nobody could remove them, or whose pack is not loaded.
  for (const gallery of galleriesOfSnapshots) if (!known.has(gallery)) snapshots.remove(gallery);
  const { total } = store.faces;
  onProgress(0, total);
  let faces = 0;
  let fromSnapshots = 0;
  for (const each of galleries) {
    const { gallery, dimension } = each;
    const { generation } = store.faces.state(gallery);
    const hasSnapshot = galleriesOfSnapshots.includes(gallery);
    const onLoad = (done: number) => onProgress(faces + done, total);
    const loaded = hasSnapshot ? await loadSnapshot(parts, each, onLoad) : null;
    const onFill = () => onProgress(indexes.total, total);
    const held =
      loaded ?? (await indexes.fill(gallery, store.faces.templates(gallery, dimension, BATCH), onFill));
    if (indexes.size(gallery) !== held) {
      throw new Error(`An index holds ${indexes.size(gallery)} faces, but the store holds ${held}.`);
    }
    indexes.holds(gallery, generation);
    faces += held;
    fromSnapshots += loaded ?? 0;
    onProgress(faces, total);
  }
  return { faces, fromSnapshots, seconds: (performance.now() - began) / 1000 };
}

interface StartedGallery {
  readonly gallery: number;
  readonly packId: PackId;
  readonly dimension: number;
}

/**
 * Fills a gallery's index from its snapshot. One that cannot be used is removed.
 * @param onProgress is told how many faces of the snapshot have been read.
 * @returns how many faces the store has, all of which the index now holds; null where it is still empty.
 */
async function loadSnapshot(
  { store, indexes, snapshots, log }: IndexStartParts,
  { gallery, packId, dimension }: StartedGallery,
  onProgress: (done: number) => void,
): Promise<number | null> {
  try {
    const info = snapshots.info(gallery);
    const state = store.faces.state(gallery);
    if (!isOf(info.stamp, gallery, packId) || !store.faces.hasBeen(gallery, info.stamp)) {
      throw new Error('it is of another store, or of another state of this one');
    }
    // Other threads load meanwhile.
    const [faces] = await Promise.all([
      counted(store.faces, gallery),
      indexes.load(gallery, dimension, (share) => onProgress(Math.floor(share * info.faces))),
    ]);
    const isWhole = isStateOf(info.stamp, state) && indexes.size(gallery) === faces;
    if (!isWhole) await catchUp({ store, indexes, log }, gallery, dimension);
    if (indexes.size(gallery) !== faces) throw new Error('it does not lead to what the store holds');
    return faces;
  } catch (error) {
    log.warn(
      { gallery, reason: (error as Error).message },
      'a snapshot of the index is not used: the store is read',
    );
    indexes.unload(gallery);
    snapshots.remove(gallery);
    return null;
  }
}

/** Faces of a gallery. Nobody else writes to it. */
async function counted(faces: Faces, gallery: number): Promise<number> {
  let count = 0;
  for (const _ of faces.labels(gallery)) if (++count % LABELS_A_TURN === 0) await turn();
  return count;
}

function isOf(stamp: SnapshotStamp, gallery: number, { pack, packVersion }: PackId): boolean {
  return stamp.gallery === gallery && stamp.pack === pack && stamp.packVersion === packVersion;
}

function isStateOf({ complete, ...stamp }: SnapshotStamp, state: GalleryState): boolean {
  return complete && stamp.generation === state.generation && stamp.lastLabel === state.lastLabel;
}

/**
 * Brings a loaded index to what the store holds. Labels are never used twice and a label's template never changes, so
 * comparing labels is enough.
 */
async function catchUp(
  { store, indexes, log }: Pick<IndexStartParts, 'store' | 'indexes' | 'log'>,
  gallery: number,
  dimension: number,
): Promise<void> {
  const held = (await indexes.labels(gallery)).sort();
  const heldAt = (place: number) => (place < held.length ? Number(held[place]) : Number.POSITIVE_INFINITY);
  const surplus: number[] = [];
  const missing: number[] = [];
  let place = 0;
  let seen = 0;
  // Both in ascending order.
  for (const label of store.faces.labels(gallery)) {
    while (heldAt(place) < label) surplus.push(heldAt(place++));
    if (heldAt(place) === label) place++;
    else missing.push(label);
    if (++seen % LABELS_A_TURN === 0) await turn();
  }
  while (place < held.length) surplus.push(heldAt(place++));
  if (surplus.length > 0) await indexes.remove(gallery, surplus);
  await indexes.fill(gallery, store.faces.templatesAt(gallery, missing, dimension, BATCH));
  log.info(
    { gallery, added: missing.length, removed: surplus.length },
    'a snapshot of the index was brought up to the store',
  );
}

/** Lets what waits in the event loop have its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
