import { constants, type Dirent, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { EXTERNAL_KEY_RULE, isExternalKey, nameKey } from './name-map.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.jpe': 'image/jpeg',
  '.jfif': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.bmp': 'image/bmp',
  '.gif': 'image/gif',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.jp2': 'image/jp2',
  '.j2k': 'image/jp2',
  '.j2c': 'image/jp2',
  '.jpc': 'image/jp2',
  '.jpf': 'image/jp2',
  '.jpx': 'image/jp2',
  '.heic': 'image/heic',
  '.heif': 'image/heic',
  '.hif': 'image/heic',
  '.avif': 'image/avif',
};

const OTHER_IMAGES = /\.(jxl|svg|psd|raw|dng|cr2|cr3|nef|arw|orf|rw2|raf)$/i;

const MAX_IMAGE_BYTES = 64 * 1024 ** 2;

export interface ImageFile {
  readonly path: string;
  readonly person: string;
  readonly type: string;
}

export interface Refused {
  readonly path: string;
  readonly code: string;
  readonly reason: string;
}

export const SKIPPED = {
  UNSUPPORTED_FORMAT: {
    isImage: true,
    reason: 'images in an unsupported format: convert them to JPEG',
  },
  LOOSE_IMAGE: {
    isImage: true,
    reason: "images outside a person's folder: add them with --files or name them in the map",
  },
  NESTED_FOLDER: { isImage: true, reason: "folders inside a person's: move their images one level up" },
  SYMBOLIC_LINK: {
    isImage: true,
    reason: 'symbolic links, which are not followed: copy their targets instead',
  },
  NOT_AN_IMAGE: { isImage: false, reason: 'other files' },
} as const;

export type SkippedCode = keyof typeof SKIPPED;

export interface Skipped {
  readonly path: string;
  readonly code: SkippedCode;
}

export interface People {
  readonly images: readonly ImageFile[];
  readonly refused: readonly Refused[];
  readonly skipped: readonly Skipped[];
  readonly unknown: readonly string[];
}

export interface FolderOptions {
  /** By `nameKey`. */
  readonly map: ReadonlyMap<string, string>;
  readonly looseFiles: boolean;
}

function entriesOf(folder: string): Dirent[] {
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Null for a supported image. */
function skippedCodeOf(entry: Dirent): SkippedCode | null {
  if (entry.isSymbolicLink()) return 'SYMBOLIC_LINK';
  if (!entry.isFile()) return 'NOT_AN_IMAGE';
  if (OTHER_IMAGES.test(entry.name)) return 'UNSUPPORTED_FORMAT';
  // macOS creates `._face.jpg` beside `face.jpg`.
  const isHidden = entry.name.startsWith('.');
  return isHidden || TYPES[extname(entry.name).toLowerCase()] === undefined ? 'NOT_AN_IMAGE' : null;
}

function refusalOf(path: string, name: string): Refused {
  const shown = `"${name.replaceAll('"', '""')}"`;
  const reason =
    `The name ${shown} is not a valid external key: expected ${EXTERNAL_KEY_RULE}. Assign one with --map FILE.csv, ` +
    `for example in the line: ${shown},employee-7`;
  return { path, code: 'NAME_NOT_ALLOWED', reason };
}

/**
 * Does not follow links.
 * @throws the system's error.
 */
export function readPeople(folder: string, { map, looseFiles }: FolderOptions): People {
  const images: ImageFile[] = [];
  const refused: Refused[] = [];
  const skipped: Skipped[] = [];
  const seen = new Set<string>();
  const take = (path: string, name: string, own: string) => {
    const person = map.get(nameKey(name)) ?? own;
    const type = TYPES[extname(path).toLowerCase()] as string;
    if (isExternalKey(person)) images.push({ path, person, type });
    else refused.push(refusalOf(path, name));
  };
  for (const top of entriesOf(folder)) {
    const { name } = top;
    seen.add(nameKey(name));
    if (top.isDirectory()) {
      for (const entry of entriesOf(join(folder, name))) {
        const path = `${name}/${entry.name}`;
        const code = entry.isDirectory() ? 'NESTED_FOLDER' : skippedCodeOf(entry);
        if (code === null) take(path, name, name);
        else skipped.push({ path, code });
      }
      continue;
    }
    if (name.startsWith('.visage-import-')) continue;
    const code = skippedCodeOf(top);
    if (code !== null) skipped.push({ path: name, code });
    else if (looseFiles || map.has(nameKey(name))) take(name, name, name.slice(0, -extname(name).length));
    else skipped.push({ path: name, code: 'LOOSE_IMAGE' });
  }
  return { images, refused, skipped, unknown: [...map.keys()].filter((name) => !seen.has(name)) };
}

/** Never leaves the folder, even if it changes meanwhile. */
export async function readImageFile(folder: string, { path }: ImageFile): Promise<Buffer | Refused> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const refuse = (code: string, reason: string) => ({ path, code, reason });
  const file = await open(join(folder, path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(() => null);
  if (file === null) return refuse('NOT_READABLE', 'Cannot read the file.');
  try {
    const stat = await file.stat();
    const real = readlinkSync(`/proc/self/fd/${file.fd}`);
    if (!stat.isFile() || !real.startsWith(`${realpathSync(folder)}${sep}`)) {
      return refuse('NOT_READABLE', 'The file is no longer in this folder.');
    }
    if (stat.size > MAX_IMAGE_BYTES) {
      return refuse('IMAGE_TOO_LARGE', `Expected at most ${MAX_IMAGE_BYTES} bytes, got ${stat.size}.`);
    }
    return await file.readFile();
  } catch {
    return refuse('NOT_READABLE', 'Cannot read the file.');
  } finally {
    await file.close();
  }
}
