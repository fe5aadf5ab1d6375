import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Executor } from '../native/executor.ts';
import { decodeImage, type Pipeline } from '../native/pipeline.ts';
import type { GroupedTemplate } from './calibration.ts';
import { bmpFile, bordered } from './degraded-images.ts';
import { inParallel } from './labelled-templates.ts';

const ADULT = /^([2-9]\d|more than)/;

interface GroupedImage {
  readonly file: string;
  readonly age: string;
  /** Race and gender of an adult; null for younger people. */
  readonly group: string | null;
}

/**
 * Reads FairFace's labels.
 * @param labels CSV with the columns file, age, gender and race.
 */
export function groupedImages(labels: string): GroupedImage[] {
  const [head = '', ...lines] = labels.trim().split(/\r?\n/);
  const columns = head.split(',');
  const [file, age, gender, race] = ['file', 'age', 'gender', 'race'].map((name) => {
    const at = columns.indexOf(name);
    if (at < 0) throw new Error(`Expected a column "${name}" in the first line of the labels, got "${head}"`);
    return at;
  }) as [number, number, number, number];
  return lines.map((line) => {
    const values = line.split(',');
    const ofAge = values[age] ?? '';
    return {
      file: values[file] ?? '',
      age: ofAge,
      group: ADULT.test(ofAge) ? `${values[race]} ${values[gender]}` : null,
    };
  });
}

/**
 * Templates of tight crops, with a border, in the order of the labels.
 * @param file CSV; the folder of the same name without its extension holds the images.
 */
export async function readGroupedTemplates(
  pipeline: Pick<Pipeline, 'analyze'>,
  executor: Executor,
  file: string,
  progress?: (done: number, total: number) => void,
): Promise<(GroupedTemplate & { readonly age: string })[]> {
  const images = groupedImages(await readFile(file, 'utf8'));
  const folder = join(dirname(file), basename(file, extname(file)));
  const parallel = 2 * executor.stats().threads;
  return inParallel(
    images,
    parallel,
    async ({ file: image, age, group }) => {
      const decoded = await decodeImage(executor, await readFile(join(folder, image)));
      const { template } = await pipeline.analyze(bmpFile(bordered(decoded)), 'binary');
      return { person: image, image, template, age, group };
    },
    progress,
  );
}
