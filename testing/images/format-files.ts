import { readdirSync, readFileSync } from 'node:fs';
import sharp, { type Sharp } from 'sharp';
import { portrait } from '../photographs.ts';

const FOLDER = new URL('../../../test/fixtures/formats/', import.meta.url);

export function formatFile(name: string): Buffer {
  return readFileSync(new URL(name, FOLDER));
}

export function formatFileNames(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => /\.(heic|avif|jp2|j2k)$/.test(name))
    .sort();
}

/** The image that all those files hold, 256 x 244 pixels. */
export async function formatFace(): Promise<Sharp> {
  const image = sharp(await portrait('anna')).resize(256, 244, { fit: 'fill' });
  return sharp(await image.png().toBuffer());
}
