/**
 * The files in which galleries' indexes are kept from one start to the next. They are a cache: each may be missing, old
 * or damaged, and says in its stamp what it was made from. Whether that still holds is for who knows the store.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readSnapshotInfo } from '../native/gallery-index.ts';

/** What a snapshot was made from. */
export interface SnapshotStamp {
  readonly gallery: number;
  readonly pack: string;
  readonly packVersion: string;
  /** The store's generation of the gallery, the opening of the store that wrote it, and the largest label then. */
  readonly generation: number;
  readonly writer: string;
  readonly lastLabel: number;
  /** Whether the index held all of that generation; otherwise some of its latest writes may be missing. */
  readonly complete: boolean;
}

/** What a snapshot says of itself before it is loaded. */
export interface SnapshotInfo {
  readonly dimension: number;
  readonly faces: number;
  readonly stamp: SnapshotStamp;
}

const NAME = /^([1-9]\d{0,15})\.snapshot$/;
const UNFINISHED = /\.unfinished$/;

/** The folder of the snapshots, one file a gallery. */
export class SnapshotFolder {
  readonly #folder: string;

  /** @param folder made (mode 0700) if missing; what a killed writing left in it is removed. */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(folder)) {
      if (UNFINISHED.test(name)) rmSync(join(folder, name), { force: true });
    }
  }

  path(gallery: number): string {
    return join(this.#folder, `${gallery}.snapshot`);
  }

  /** Galleries that have a snapshot. */
  galleries(): number[] {
    return readdirSync(this.#folder).flatMap((name) => Number(NAME.exec(name)?.[1] ?? []));
  }

  /** @throws Error in words where it is damaged, or there is none. */
  info(gallery: number): SnapshotInfo {
    const { dimension, rows, stamp } = readSnapshotInfo(this.path(gallery));
    return { dimension, faces: rows, stamp: stampOf(stamp) };
  }

  /** Of the file. */
  bytes(gallery: number): number {
    return statSync(this.path(gallery)).size;
  }

  remove(gallery: number): void {
    rmSync(this.path(gallery), { force: true });
  }
}

export function stampText(stamp: SnapshotStamp): string {
  return JSON.stringify(stamp);
}

/** @throws Error where it is no stamp. */
function stampOf(text: string): SnapshotStamp {
  let stamp: Partial<SnapshotStamp> | null;
  try {
    stamp = JSON.parse(text);
  } catch (cause) {
    throw new Error('its stamp is damaged', { cause });
  }
  const isRight =
    typeof stamp === 'object' &&
    stamp !== null &&
    [stamp.gallery, stamp.generation, stamp.lastLabel].every(Number.isSafeInteger) &&
    [stamp.pack, stamp.packVersion, stamp.writer].every((each) => typeof each === 'string') &&
    typeof stamp.complete === 'boolean';
  if (!isRight) throw new Error('its stamp is damaged');
  return stamp as SnapshotStamp;
}
