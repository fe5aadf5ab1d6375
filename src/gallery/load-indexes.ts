/** Fills the indexes at start from snapshots or the store. */

import type { SearchSpace } from '../native/gallery-index.ts';
import type { Log } from '../ops/log.ts';
import type { Faces } from '../store/faces.ts';
import type { GalleryState } from '../store/generations.ts';
import type { PackId } from '../store/records.ts';
import type { GalleryIndexes } from './gallery-indexes.ts';
import type { SnapshotFolder, SnapshotStamp } from './snapshot-folder.ts';

/** Each read blocks the event loop for some milliseconds. */
export const BATCH = 1024;
const LABELS_A_TURN = 4_096;

export interface IndexStart {
  readonly faces: number;
  readonly fromSnapshots: number;
  readonly seconds: number;
}

export interface IndexStartParts {
  readonly store: { readonly faces: Faces };
  readonly indexes: GalleryIndexes;
  readonly snapshots: SnapshotFolder;
  readonly packs: readonly { readonly packId: PackId; readonly space: SearchSpace }[];
  readonly log: Log;
}

/**
 * @param onProgress takes the faces indexed and their total.
 * @throws Error if an index differs from the store.
 */
export async function startIndexes(
  parts: IndexStartParts,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<IndexStart> {
  const { store, indexes, snapshots, packs } = parts;
  const began = performance.now();
  const galleries: StartedGallery[] = packs.flatMap(({ packId, space }) =>
    store.faces.galleriesOf(packId).map((gallery) => ({ gallery, packId, space })),
  );
  const known = new Set(galleries.map(({ gallery }) => gallery));
  const galleriesOfSnapshots = snapshots.galleryIds();
  for (const gallery of galleriesOfSnapshots) if (!known.has(gallery)) snapshots.remove(gallery);
  snapshots.removeOrphans();
  const { total } = store.faces;
  onProgress(0, total);
  let faces = 0;
  let fromSnapshots = 0;
  for (const each of galleries) {
    const { gallery, space } = each;
    const { generation } = store.faces.state(gallery);
    const hasSnapshot = galleriesOfSnapshots.includes(gallery);
    const onLoad = (done: number) => onProgress(faces + done, total);
    const loaded = hasSnapshot ? await loadSnapshot(parts, each, onLoad) : null;
    let filled = faces;
    const onFill = (added: number) => {
      filled += added;
      onProgress(filled, total);
    };
    const held = loaded ?? (await indexes.fill(gallery, store.faces.rows(gallery, BATCH), space, onFill));
    const { size } = indexes.state(gallery);
    if (size !== held) throw new Error(`An index holds ${size} faces, but the store holds ${held}.`);
    indexes.holds(gallery, generation);
    faces += held;
    fromSnapshots += loaded ?? 0;
    onProgress(faces, total);
  }
  return { faces, fromSnapshots, seconds: Math.round(performance.now() - began) / 1000 };
}

interface StartedGallery {
  readonly gallery: number;
  readonly packId: PackId;
  readonly space: SearchSpace;
}

/**
 * Deletes an unusable snapshot.
 * @param onProgress takes the faces read.
 * @returns the faces of store and index; null for an empty index.
 */
async function loadSnapshot(
  { store, indexes, snapshots, log }: IndexStartParts,
  { gallery, packId, space }: StartedGallery,
  onProgress: (done: number) => void,
): Promise<number | null> {
  try {
    const info = snapshots.info(gallery);
    const state = store.faces.state(gallery);
    if (!isOf(info.stamp, gallery, packId) || !store.faces.hasBeen(gallery, info.stamp)) {
      throw new Error('it is of another store, or of another state of this one');
    }
    await indexes.load(gallery, space, (share) => onProgress(Math.floor(share * info.faces)));
    const { size } = indexes.state(gallery);
    const isWhole = isStateOf(info.stamp, state) && size === store.faces.countedRows(gallery);
    const faces = isWhole ? size : await catchUp({ store, indexes, log }, gallery, space);
    if (indexes.state(gallery).size !== faces) throw new Error('it does not lead to what the store holds');
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

function isOf(stamp: SnapshotStamp, gallery: number, { pack, packVersion }: PackId): boolean {
  return stamp.gallery === gallery && stamp.pack === pack && stamp.packVersion === packVersion;
}

function isStateOf({ complete, ...stamp }: SnapshotStamp, state: GalleryState): boolean {
  return complete && stamp.generation === state.generation && stamp.lastLabel === state.lastLabel;
}

/**
 * Labels suffice: the store never reuses a label or changes its template.
 * @returns how many the store holds.
 */
async function catchUp(
  { store, indexes, log }: Pick<IndexStartParts, 'store' | 'indexes' | 'log'>,
  gallery: number,
  space: SearchSpace,
): Promise<number> {
  const held = (await indexes.labels(gallery)).sort();
  const heldAt = (place: number) => (place < held.length ? Number(held[place]) : Number.POSITIVE_INFINITY);
  const surplus: number[] = [];
  const missing: number[] = [];
  let place = 0;
  let seen = 0;
  for (const label of store.faces.labels(gallery)) {
    while (heldAt(place) < label) surplus.push(heldAt(place++));
    if (heldAt(place) === label) place++;
    else missing.push(label);
    if (++seen % LABELS_A_TURN === 0) await turn();
  }
  while (place < held.length) surplus.push(heldAt(place++));
  if (surplus.length > 0) await indexes.remove(gallery, surplus);
  await indexes.fill(gallery, store.faces.rowsAt(gallery, missing, BATCH), space);
  log.info(
    { gallery, added: missing.length, removed: surplus.length },
    'a snapshot of the index was brought up to the store',
  );
  return seen;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
