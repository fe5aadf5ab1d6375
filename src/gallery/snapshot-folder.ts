/** Files may be missing, old or damaged, so compare their stamps with the store. */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readSnapshotInfo } from '../native/gallery-index.ts';

export interface SnapshotStamp {
  readonly gallery: number;
  readonly pack: string;
  readonly packVersion: string;
  readonly generation: number;
  readonly epochId: string;
  readonly lastLabel: number;
  /** False if the snapshot may lack some of that generation's writes. */
  readonly complete: boolean;
}

export interface SnapshotInfo {
  readonly dimension: number;
  readonly faces: number;
  readonly stamp: SnapshotStamp;
}

const NAME = /^([1-9]\d{0,15})\.snapshot$/;
const UNFINISHED = /\.unfinished$/;

export class SnapshotFolder {
  readonly #folder: string;

  /**
   * Removes unfinished files.
   * @param folder created (mode 0700) if missing.
   */
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

  galleryIds(): number[] {
    return readdirSync(this.#folder).flatMap((name) => Number(NAME.exec(name)?.[1] ?? []));
  }

  /** @throws Error for a damaged or missing file. */
  info(gallery: number): SnapshotInfo {
    const { dimension, rows, stamp } = readSnapshotInfo(this.path(gallery));
    return { dimension, faces: rows, stamp: stampOf(stamp) };
  }

  bytes(gallery: number): number {
    return statSync(this.path(gallery)).size;
  }

  remove(gallery: number): void {
    rmSync(this.path(gallery), { force: true });
  }
}

/** The file calls the epoch `writer`. */
export function stampText({ epochId, ...rest }: SnapshotStamp): string {
  return JSON.stringify({ ...rest, writer: epochId });
}

/** @throws Error if invalid. */
function stampOf(text: string): SnapshotStamp {
  let stamp: (Partial<SnapshotStamp> & { readonly writer?: unknown }) | null;
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
  const { writer, ...rest } = stamp as Omit<SnapshotStamp, 'epochId'> & { readonly writer: string };
  return { ...rest, epochId: writer };
}
