import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VisageError } from '../errors.ts';
import type { Executor } from '../native/executor.ts';
import { decodeImage, type Pipeline } from '../native/pipeline.ts';
import { bmpFile, bordered, DEGRADATIONS } from './degraded-images.ts';
import { imagesBelow, inParallel } from './labelled-templates.ts';

export interface VariedTemplates {
  readonly image: string;
  /** Null without a face, also with a border around the image, or for an undecodable image. */
  readonly plain: Float32Array | null;
  /** Each image has the next kind of degradation. */
  readonly degraded: Float32Array | null;
}

/** In the order of the images' paths. */
export async function variedTemplates(
  pipeline: Pipeline,
  executor: Executor,
  folder: string,
  options: { readonly degraded: boolean },
  progress: (done: number, total: number) => void,
): Promise<VariedTemplates[]> {
  const images = await imagesBelow(folder);
  const parallel = 2 * executor.stats().threads;
  const entries = images.map((image, i) => ({
    image,
    degrade: options.degraded ? DEGRADATIONS[i % DEGRADATIONS.length] : undefined,
  }));
  return inParallel(
    entries,
    parallel,
    async ({ image, degrade }) => {
      const templates = await templatesOf(join(folder, image), degrade);
      return { image, ...templates };
    },
    progress,
  );

  async function templatesOf(file: string, degrade: (typeof DEGRADATIONS)[number] | undefined) {
    const bytes = await readFile(file);
    const decoded = await orNull(decodeImage(executor, bytes));
    if (!decoded) return { plain: null, degraded: null };
    const asFound = await templateOf(bytes);
    const framed = asFound ? decoded : bordered(decoded);
    const plain = asFound ?? (await templateOf(bmpFile(framed)));
    return { plain, degraded: plain && degrade ? await templateOf(bmpFile(degrade(framed))) : null };
  }

  async function templateOf(image: Uint8Array): Promise<Float32Array | null> {
    return (await orNull(pipeline.analyze(image, 'binary')))?.template ?? null;
  }
}

async function orNull<T>(result: Promise<T>): Promise<T | null> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof VisageError && error.status === 400) return null;
    throw error;
  }
}
