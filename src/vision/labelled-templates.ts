/**
 * Templates of a folder of pictures by person: `<folder>/<person>/<picture>`, the layout of LFW.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VisageError } from '../errors.ts';
import type { Pipeline } from '../native/pipeline.ts';

const PICTURE = /\.(jpe?g|png|webp|bmp|gif)$/i;

/** One picture of one person. */
export interface LabelledTemplate {
  readonly person: string;
  /** `<person>/<picture>`, relative to the folder. */
  readonly picture: string;
  /** Unit vector of the largest face; null where no face was found or the picture cannot be read. */
  readonly template: Float32Array | null;
}

/** One picture of one person, not yet looked at. */
export type LabelledPicture = Pick<LabelledTemplate, 'person' | 'picture'>;

/** The pictures below `folder`, in order of person, then picture. */
export async function labelledPictures(folder: string): Promise<LabelledPicture[]> {
  const pictures: LabelledPicture[] = [];
  for (const person of (await readdir(folder, { withFileTypes: true })).filter((e) => e.isDirectory())) {
    for (const name of await readdir(join(folder, person.name))) {
      if (PICTURE.test(name)) pictures.push({ person: person.name, picture: `${person.name}/${name}` });
    }
  }
  return pictures.sort((a, b) => (a.picture < b.picture ? -1 : 1));
}

/**
 * Makes the template of each of `pictures`, which are below `folder`, `parallel` at a time.
 * @param progress called after each picture with how many are done.
 * @returns in the order of `pictures`.
 */
export async function labelledTemplates(
  pipeline: Pipeline,
  folder: string,
  pictures: readonly LabelledPicture[],
  parallel: number,
  progress: (done: number, total: number) => void = () => {},
): Promise<LabelledTemplate[]> {
  const templates: LabelledTemplate[] = [];
  let next = 0;
  let done = 0;
  const worker = async () => {
    for (let i = next++; i < pictures.length; i = next++) {
      const entry = pictures[i] as LabelledPicture;
      templates[i] = { ...entry, template: await templateOf(pipeline, join(folder, entry.picture)) };
      progress(++done, pictures.length);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return templates;
}

/** {@link labelledTemplates} of every picture below `folder`. */
export async function readLabelledTemplates(
  pipeline: Pipeline,
  folder: string,
  parallel: number,
  progress?: (done: number, total: number) => void,
): Promise<LabelledTemplate[]> {
  return labelledTemplates(pipeline, folder, await labelledPictures(folder), parallel, progress);
}

async function templateOf(pipeline: Pipeline, file: string): Promise<Float32Array | null> {
  try {
    return (await pipeline.analyze(await readFile(file), 'binary')).template;
  } catch (error) {
    if (error instanceof VisageError && error.status === 400) return null;
    throw error;
  }
}
