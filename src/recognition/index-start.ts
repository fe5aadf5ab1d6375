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
/** Labels that are compared before something else gets a turn. */
const LABELS_A_TURN = 16_384;

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
 * @param onProgress is told the faces held so far, and of how many.
 * @throws Error if an index does not hold what the store does.
 */
export async function startIndexes(
  parts: IndexStartParts,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<IndexStart> {
  const { store, indexes, snapshots, packs } = parts;
  const began = performance.now();
  const galleries: StartedGallery[] = packs.flatMap(({ packId, dimension }) =>
    store.faces.galleriesOf(packId).map((gallery) => {
      return { gallery, packId, dimension, faces: store.faces.count(gallery) };
    }),
  );
  const known = new Set(galleries.map(({ gallery }) => gallery));
  const galleriesOfSnapshots = snapshots.galleries();
  // Of collections that were reset or deleted when nobody could remove them, or whose pack is not loaded.
  for (const gallery of galleriesOfSnapshots) if (!known.has(gallery)) snapshots.remove(gallery);
  const total = galleries.reduce((sum, { faces }) => sum + faces, 0);
  onProgress(0, total);
  let fromSnapshots = 0;
  for (const each of galleries) {
    const { gallery, dimension } = each;
    const hasSnapshot = galleriesOfSnapshots.includes(gallery);
    const { generation } = store.faces.state(gallery);
    if (hasSnapshot && (await loadSnapshot(parts, each))) {
      fromSnapshots += indexes.size(gallery);
    } else {
      await indexes.fill(gallery, store.faces.templates(gallery, dimension, BATCH), () =>
        onProgress(indexes.total, total),
      );
    }
    indexes.holds(gallery, generation);
    onProgress(indexes.total, total);
  }
  if (indexes.total !== total) {
    throw new Error(`The index holds ${indexes.total} faces, but the store holds ${total}.`);
  }
  return { faces: total, fromSnapshots, seconds: (performance.now() - began) / 1000 };
}

interface StartedGallery {
  readonly gallery: number;
  readonly packId: PackId;
  readonly dimension: number;
  /** That the store holds. */
  readonly faces: number;
}

/** @returns whether the gallery's index now holds what the store does. A snapshot that cannot be used is removed. */
async function loadSnapshot(
  { store, indexes, snapshots, log }: IndexStartParts,
  { gallery, packId, dimension, faces }: StartedGallery,
): Promise<boolean> {
  try {
    const info = snapshots.info(gallery);
    const state = store.faces.state(gallery);
    if (!isOf(info.stamp, gallery, packId) || !store.faces.hasBeen(gallery, info.stamp)) {
      throw new Error('it is of another store, or of another state of this one');
    }
    await indexes.load(gallery, dimension);
    const isWhole = isStateOf(info.stamp, state) && indexes.size(gallery) === faces;
    if (!isWhole) await catchUp({ store, indexes, log }, gallery, dimension);
    if (indexes.size(gallery) !== faces) throw new Error('it does not lead to what the store holds');
    return true;
  } catch (error) {
    log.warn(
      { gallery, reason: (error as Error).message },
      'a snapshot of the index is not used: the store is read',
    );
    indexes.unload(gallery);
    snapshots.remove(gallery);
    return false;
  }
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
  const surplus = new Set<bigint>(await indexes.labels(gallery));
  const missing: number[] = [];
  let seen = 0;
  for (const label of store.faces.labels(gallery)) {
    if (!surplus.delete(BigInt(label))) missing.push(label);
    if (++seen % LABELS_A_TURN === 0) await turn();
  }
  if (surplus.size > 0) await indexes.remove(gallery, Array.from(surplus, Number));
  await indexes.fill(gallery, store.faces.templatesAt(gallery, missing, dimension, BATCH));
  log.info(
    { gallery, added: missing.length, removed: surplus.size },
    'a snapshot of the index was brought up to the store',
  );
}

/** Lets what waits in the event loop have its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
