/** Files may be missing, old or damaged: compare their stamps with the store. */
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
  /** False if some of that generation's writes may be missing. */
  readonly complete: boolean;
}

export interface SnapshotInfo {
  readonly dimension: number;
  readonly faces: number;
  readonly stamp: SnapshotStamp;
  readonly rowFiles: readonly string[];
}

const NAME = /^([1-9]\d{0,15})\.snapshot$/;
const ROWS = /^([1-9]\d{0,15})\.([0-9a-f]{16}\.rows)$/;
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

  rowPrefix(gallery: number): string {
    return join(this.#folder, `${gallery}.`);
  }

  galleryIds(): number[] {
    const names = readdirSync(this.#folder);
    return names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number);
  }

  /** Removes rows on disk that no snapshot names. Call it before indexes are in use. */
  removeOrphans(): void {
    const named = new Set(this.galleryIds().flatMap((gallery) => this.#rowFiles(gallery)));
    for (const name of readdirSync(this.#folder)) {
      if (ROWS.test(name) && !named.has(name)) rmSync(join(this.#folder, name), { force: true });
    }
  }

  /** @throws Error for a damaged or missing file. */
  info(gallery: number): SnapshotInfo {
    const { dimension, rows, stamp, rowFiles } = readSnapshotInfo(this.path(gallery));
    return { dimension, faces: rows, stamp: stampOf(stamp), rowFiles };
  }

  /** Of the snapshot, and of the gallery's rows on disk. */
  bytes(gallery: number): number {
    const sizes = this.#rowsOf(gallery).map((name) => statSync(join(this.#folder, name)).size);
    return sizes.reduce((sum, size) => sum + size, statSync(this.path(gallery)).size);
  }

  /** Rows on disk stay. */
  removeSnapshot(gallery: number): void {
    rmSync(this.path(gallery), { force: true });
  }

  remove(gallery: number): void {
    this.removeSnapshot(gallery);
    for (const name of this.#rowsOf(gallery)) rmSync(join(this.#folder, name), { force: true });
  }

  #rowsOf(gallery: number): string[] {
    return readdirSync(this.#folder).filter((name) => Number(ROWS.exec(name)?.[1]) === gallery);
  }

  #rowFiles(gallery: number): string[] {
    try {
      return this.info(gallery).rowFiles.map((name) => `${gallery}.${name}`);
    } catch {
      return [];
    }
  }
}

/** The file calls the epoch `writer`. */
export function stampText({ epochId, ...rest }: SnapshotStamp): string {
  return JSON.stringify({ ...rest, writer: epochId });
}

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
