/**
 * Templates that lie as those of faces do, in any number: noisy copies around real templates, the same ones for one seed.
 *
 * A copy is a real template plus Gaussian noise of the shape that real differences have: a sum of differences between
 * pictures of one person, with normal coefficients. How much differs from copy to copy, so that the score of two copies
 * of one template has the mean and the spread that mated pairs of Labeled Faces in the Wild have.
 */

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
import { ROOT } from '../testing/service.ts';
import { loadAsServed } from './as-served.ts';

const PACK = 'faceplugin';
/** Differences that the noise of one copy is a sum of. */
const TERMS = 16;
/** Of LFW with version 2 of the default pack, for a machine without it. */
const MATED_ON_LFW: Spread = { mean: 0.682, deviation: 0.124 };
/** Random directions that stand in for templates and for differences where there are no faces. */
const STAND_INS = 4096;

/** Of scores between two templates of one person. */
export interface Spread {
  readonly mean: number;
  readonly deviation: number;
}

/** What copies are made of. Vectors are unit vectors, row after row. */
export interface FaceBase {
  /** What it is, in words for a report. */
  readonly source: string;
  readonly dimension: number;
  /** Copies lie around these. */
  readonly templates: Float32Array;
  /** Directions in which pictures of one person differ. */
  readonly differences: Float32Array;
  readonly mated: Spread;
}

/**
 * Templates of every picture of `<faces>/lfw-dev`, kept in the system's folder for temporary files from one run to the
 * next; without `faces`, those of the sample photographs and random directions.
 */
export async function openFaceBase(faces: string | undefined): Promise<FaceBase> {
  const folder = faces && join(faces, 'lfw-dev');
  return folder && existsSync(folder) ? baseOfPeople(folder) : baseOfSamples();
}

async function baseOfPeople(folder: string): Promise<FaceBase> {
  const pictures = await labelledImages(folder);
  const { templates, dimension } = await templatesOf(folder, pictures);
  const people = new Map<string, Float32Array[]>();
  for (const [i, { person }] of pictures.entries()) {
    const template = templates[i];
    if (template) people.set(person, [...(people.get(person) ?? []), template]);
  }
  const differences: Float32Array[] = [];
  const scores: number[] = [];
  for (const own of people.values()) {
    for (const [i, first] of own.entries()) {
      for (const second of own.slice(i + 1)) scores.push(innerProduct(first, second));
      const next = own[i + 1];
      if (next) differences.push(unit(first.map((value, at) => value - (next[at] as number))));
    }
  }
  const real = templates.filter((template) => template !== null);
  return {
    source: `${real.length} templates of ${people.size} people of Labeled Faces in the Wild`,
    dimension,
    templates: joined(real, dimension),
    differences: joined(differences, dimension),
    mated: spreadOf(scores),
  };
}

async function baseOfSamples(): Promise<FaceBase> {
  const folder = join(ROOT, 'node_modules/@vladmandic/face-api/demo');
  const pictures = Array.from({ length: 6 }, (_, i) => ({
    person: `${i + 1}`,
    image: `sample${i + 1}.jpg`,
  }));
  const { templates, dimension } = await templatesOf(folder, pictures);
  const normal = normals(1);
  const directions = () =>
    Array.from({ length: STAND_INS }, () => unit(Float32Array.from({ length: dimension }, normal)));
  const real = templates.filter((template) => template !== null);
  return {
    source: `${real.length} templates of sample photographs and ${STAND_INS} random directions: faces were not given`,
    dimension,
    templates: joined([...real, ...directions()], dimension),
    differences: joined(directions(), dimension),
    mated: MATED_ON_LFW,
  };
}

/** Copies in a row, the same for the same base and seed. */
export class FaceLike {
  readonly #base: FaceBase;
  readonly #random: () => number;
  readonly #normal: () => number;
  readonly #likeness: Spread;
  readonly #noise: Float64Array;

  constructor(base: FaceBase, seed: number) {
    this.#base = base;
    this.#random = uniforms(seed);
    this.#normal = normals(seed + 1);
    this.#likeness = likenessFor(base.mated);
    this.#noise = new Float64Array(base.dimension);
  }

  /** Fills `into` with the next copies, unit vectors, row after row. */
  fill(into: Float32Array): void {
    const { dimension, templates } = this.#base;
    const noise = this.#noise;
    for (let at = 0; at < into.length; at += dimension) {
      const from = dimension * Math.floor(this.#random() * (templates.length / dimension));
      const { mean, deviation } = this.#likeness;
      const likeness = Math.min(Math.max(mean + deviation * this.#normal(), 0.05), 0.99);
      this.#makeNoise();
      const share = Math.sqrt((1 - likeness ** 2) / squares(noise));
      let sum = 0;
      for (let i = 0; i < dimension; i++) {
        const value = likeness * (templates[from + i] as number) + share * (noise[i] as number);
        noise[i] = value;
        sum += value * value;
      }
      const scale = 1 / Math.sqrt(sum);
      for (let i = 0; i < dimension; i++) into[at + i] = (noise[i] as number) * scale;
    }
  }

  /** The next `count` copies. */
  take(count: number): Float32Array {
    const vectors = new Float32Array(count * this.#base.dimension);
    this.fill(vectors);
    return vectors;
  }

  #makeNoise(): void {
    const { dimension, differences } = this.#base;
    const count = differences.length / dimension;
    const noise = this.#noise;
    noise.fill(0);
    // Four at a time, which is three passes over memory fewer.
    for (let term = 0; term < TERMS; term += 4) {
      const a = dimension * Math.floor(this.#random() * count);
      const b = dimension * Math.floor(this.#random() * count);
      const c = dimension * Math.floor(this.#random() * count);
      const d = dimension * Math.floor(this.#random() * count);
      const p = this.#normal();
      const q = this.#normal();
      const r = this.#normal();
      const s = this.#normal();
      for (let i = 0; i < dimension; i++) {
        noise[i] =
          (noise[i] as number) +
          p * (differences[a + i] as number) +
          q * (differences[b + i] as number) +
          r * (differences[c + i] as number) +
          s * (differences[d + i] as number);
      }
    }
  }
}

/**
 * How copies have to score against their template. Two copies that score `u` and `v` against it score `u v` against each
 * other, in the mean: for independent ones of one distribution mean(u v) = mean(u)^2, mean((u v)^2) = mean(u^2)^2.
 */
function likenessFor(mated: Spread): Spread {
  const mean = Math.sqrt(mated.mean);
  const variance = Math.sqrt(mated.mean ** 2 + mated.deviation ** 2) - mated.mean;
  return { mean, deviation: Math.sqrt(variance) };
}

/** Templates of pictures below a folder, in their order; null where there is no face. */
async function templatesOf(
  folder: string,
  pictures: readonly LabelledImage[],
): Promise<{ readonly templates: (Float32Array | null)[]; readonly dimension: number }> {
  const pack = await openModelPack(PACK);
  const { dimension } = pack.pipeline.embedder;
  const names = pictures.map(({ image }) => image).join('\n');
  const name = createHash('sha256').update(`${folder}\n${names}`).digest('hex').slice(0, 16);
  const file = join(tmpdir(), `visage-templates-${pack.name}-${pack.version}-${name}.f32`);
  const bytes = 4 * dimension * pictures.length;
  if (!existsSync(file) || statSync(file).size !== bytes) {
    const made = await embed(pack, folder, pictures);
    // A template that is missing is kept as zeros.
    const rows = made.map((template) => template ?? new Float32Array(dimension));
    await writeFile(`${file}.${process.pid}`, joined(rows, dimension));
    await rename(`${file}.${process.pid}`, file);
  }
  const { buffer, byteOffset } = await readFile(file);
  const all = new Float32Array(buffer.slice(byteOffset, byteOffset + bytes));
  const templates = pictures.map((_, i) => {
    const row = all.subarray(i * dimension, (i + 1) * dimension);
    return row.some((value) => value !== 0) ? row : null;
  });
  return { templates, dimension };
}

async function embed(
  pack: ModelPack,
  folder: string,
  pictures: readonly LabelledImage[],
): Promise<(Float32Array | null)[]> {
  const threads = availableParallelism();
  const executor = createExecutor({ threads, maxQueue: 4 * threads });
  try {
    const recognizer = await loadAsServed(pack, executor);
    const made = await labelledTemplates(recognizer, folder, pictures, 2 * threads, (done, total) => {
      if (done % 500 === 0) console.error(`embedded ${done} of ${total} pictures`);
    });
    return made.map(({ template }) => template);
  } finally {
    await executor.close();
  }
}

/** Mean and standard deviation. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

function joined(rows: readonly Float32Array[], dimension: number): Float32Array {
  const all = new Float32Array(rows.length * dimension);
  for (const [i, row] of rows.entries()) all.set(row, i * dimension);
  return all;
}

function squares(vector: Float64Array | Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += (vector[i] as number) ** 2;
  return sum;
}

function unit(vector: Float32Array): Float32Array {
  const scale = 1 / Math.sqrt(squares(vector));
  return vector.map((value) => value * scale);
}
