/** Real templates from which `distinct-people.ts` makes people. */
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { normals, uniforms } from '../src/base/random.ts';
import { createExecutor } from '../src/native/executor.ts';
import { innerProduct } from '../src/vision/impostors.ts';
import { type LabelledImage, labelledImages, labelledTemplates } from '../src/vision/labelled-templates.ts';
import { type ModelPack, openModelPack } from '../src/vision/model-pack.ts';
import { faceMixes } from '../testing/face-mixes.ts';
import { DEFAULT_PACK, loadAsServed } from './as-served.ts';

const COMBINATIONS = 4096;
const TERMS = 16;
const EVEN = 128;
const EVEN_SHARE = 0.2;

export interface PeopleBase {
  readonly source: string;
  readonly dimension: number;
  readonly mean: Float32Array;
  readonly residuals: Float32Array;
  readonly differences: Float32Array;
}

export async function openPeopleBase(faces: string | undefined): Promise<PeopleBase> {
  const folder = faces && join(faces, 'lfw-dev');
  return folder && existsSync(folder) ? baseOfImages(folder) : baseOfAverages();
}

async function baseOfImages(folder: string): Promise<PeopleBase> {
  const images = await labelledImages(folder);
  const { templates, dimension } = await templatesOf(folder, images);
  const people = new Map<string, Float32Array[]>();
  for (const [i, { person }] of images.entries()) {
    const template = templates[i];
    if (template) people.set(person, [...(people.get(person) ?? []), template]);
  }
  const firsts = [...people.values()].map(([first]) => first as Float32Array);
  const differences: Float32Array[] = [];
  for (const own of people.values()) {
    for (const [i, first] of own.entries()) {
      const second = own[i + 1];
      if (second) differences.push(unit(first.map((value, at) => value - (second[at] as number))));
    }
  }
  return {
    source: `${firsts.length} people of Labeled Faces in the Wild`,
    ...spreadAround(firsts),
    differences: joined(differences, dimension),
  };
}

function baseOfAverages(): PeopleBase {
  const averages = faceMixes();
  const { dimension, residuals } = spreadAround(averages);
  const even = orthonormal(residuals.subarray(0, EVEN * dimension), dimension);
  const random = { uniform: uniforms(1), normal: normals(2) };
  const combinations = new Float32Array(COMBINATIONS * dimension);
  for (let at = 0; at < combinations.length; at += dimension) {
    const into = combinations.subarray(at, at + dimension);
    addCombination(into, residuals, Math.sqrt(1 - EVEN_SHARE), random);
    addCombination(into, even, Math.sqrt(EVEN_SHARE), random);
  }
  return {
    source: `${averages.length} averages of templates: no faces were given`,
    dimension,
    mean: new Float32Array(dimension),
    residuals: combinations,
    differences: combinations,
  };
}

function addCombination(
  into: Float32Array,
  rows: Float32Array,
  scale: number,
  random: { readonly uniform: () => number; readonly normal: () => number },
): void {
  const count = rows.length / into.length;
  const weights = Array.from({ length: TERMS }, random.normal);
  const length = Math.hypot(...weights);
  for (const [term, weight] of weights.entries()) {
    const from = into.length * Math.floor(((term + random.uniform()) * count) / TERMS);
    const times = (scale * weight) / length;
    for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) + times * (rows[from + i] as number);
  }
}

function orthonormal(rows: Float32Array, dimension: number): Float32Array {
  const done = rows.slice();
  for (let at = 0; at < done.length; at += dimension) {
    const row = done.subarray(at, at + dimension);
    for (let before = 0; before < at; before += dimension) {
      const other = done.subarray(before, before + dimension);
      const along = innerProduct(row, other);
      for (let i = 0; i < dimension; i++) row[i] = (row[i] as number) - along * (other[i] as number);
    }
    row.set(unit(row));
  }
  return done;
}

function spreadAround(
  templates: readonly Float32Array[],
): Pick<PeopleBase, 'dimension' | 'mean' | 'residuals'> {
  const dimension = templates[0]?.length ?? 0;
  const mean = new Float32Array(dimension);
  for (const template of templates) {
    for (let i = 0; i < dimension; i++) mean[i] = (mean[i] as number) + (template[i] as number);
  }
  for (let i = 0; i < dimension; i++) mean[i] = (mean[i] as number) / templates.length;
  const residuals = templates.map((template) => template.map((value, i) => value - (mean[i] as number)));
  return { dimension, mean, residuals: joined(residuals, dimension) };
}

export async function templatesOf(
  folder: string,
  images: readonly LabelledImage[],
  packName: string = DEFAULT_PACK,
): Promise<{ readonly templates: (Float32Array | null)[]; readonly dimension: number }> {
  const pack = await openModelPack(packName);
  const { dimension } = pack.pipeline.embedder;
  const names = images.map(({ image }) => image).join('\n');
  const name = createHash('sha256').update(`${folder}\n${names}`).digest('hex').slice(0, 16);
  const file = join(tmpdir(), `visage-templates-${pack.name}-${pack.version}-${name}.f32`);
  const bytes = 4 * dimension * images.length;
  if (!existsSync(file) || statSync(file).size !== bytes) {
    const made = await embed(pack, folder, images);
    const rows = made.map((template) => template ?? new Float32Array(dimension));
    await writeFile(`${file}.${process.pid}`, joined(rows, dimension));
    await rename(`${file}.${process.pid}`, file);
  }
  const { buffer, byteOffset } = await readFile(file);
  const all = new Float32Array(buffer.slice(byteOffset, byteOffset + bytes));
  const templates = images.map((_, i) => {
    const row = all.subarray(i * dimension, (i + 1) * dimension);
    return row.some((value) => value !== 0) ? row : null;
  });
  return { templates, dimension };
}

async function embed(
  pack: ModelPack,
  folder: string,
  images: readonly LabelledImage[],
): Promise<(Float32Array | null)[]> {
  const threads = availableParallelism();
  const executor = createExecutor({ threads, maxQueue: 4 * threads });
  try {
    const recognizer = await loadAsServed(pack, executor);
    const made = await labelledTemplates(recognizer, folder, images, 2 * threads, (done, total) => {
      if (done % 500 === 0) console.error(`embedded ${done} of ${total} images`);
    });
    return made.map(({ template }) => template);
  } finally {
    await executor.close();
  }
}

function joined(rows: readonly Float32Array[], dimension: number): Float32Array {
  const all = new Float32Array(rows.length * dimension);
  for (const [i, row] of rows.entries()) all.set(row, i * dimension);
  return all;
}

function unit(vector: Float32Array): Float32Array {
  const scale = 1 / Math.hypot(...vector);
  return vector.map((value) => value * scale);
}
