import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VisageError } from '../errors.ts';
import type { Pipeline } from '../native/pipeline.ts';

const IMAGE_FILE = /\.(jpe?g|png|webp|bmp|gif|tiff?|jp2|j2k|heic|heif|avif)$/i;

export interface LabelledTemplate {
  readonly person: string;
  readonly image: string;
  /** Of the largest face; null without a face or for an undecodable image. */
  readonly template: Float32Array | null;
}

export type LabelledImage = Pick<LabelledTemplate, 'person' | 'image'>;

export async function labelledImages(folder: string): Promise<LabelledImage[]> {
  const images: LabelledImage[] = [];
  for (const person of (await readdir(folder, { withFileTypes: true })).filter((e) => e.isDirectory())) {
    for (const name of await readdir(join(folder, person.name))) {
      if (IMAGE_FILE.test(name)) images.push({ person: person.name, image: `${person.name}/${name}` });
    }
  }
  return images.sort((a, b) => (a.image < b.image ? -1 : 1));
}

/** Sorted; relative to the folder. */
export async function imagesBelow(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).filter((name) => IMAGE_FILE.test(name)).sort();
}

/** In the order of the items. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  parallel: number,
  work: (item: Item) => Promise<Result>,
  progress: (done: number, total: number) => void = () => {},
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  let done = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) {
      results[i] = await work(items[i] as Item);
      progress(++done, items.length);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return results;
}

/** In the order of the images. */
export async function labelledTemplates(
  pipeline: Pipeline,
  folder: string,
  images: readonly LabelledImage[],
  parallel: number,
  progress?: (done: number, total: number) => void,
): Promise<LabelledTemplate[]> {
  const work = async (entry: LabelledImage) => ({
    ...entry,
    template: await templateOf(pipeline, join(folder, entry.image)),
  });
  return inParallel(images, parallel, work, progress);
}

export async function readLabelledTemplates(
  pipeline: Pipeline,
  folder: string,
  parallel: number,
  progress?: (done: number, total: number) => void,
): Promise<LabelledTemplate[]> {
  return labelledTemplates(pipeline, folder, await labelledImages(folder), parallel, progress);
}

async function templateOf(pipeline: Pipeline, file: string): Promise<Float32Array | null> {
  try {
    return (await pipeline.analyze(await readFile(file), 'binary')).template;
  } catch (error) {
    if (error instanceof VisageError && error.status === 400) return null;
    throw error;
  }
}
