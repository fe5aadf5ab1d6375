/**
 * Galleries of people who do not exist: deterministic by seed, in any number, one template each unless the shape asks for
 * copies. Any row can be made without those before it, so a gallery need not fit in memory.
 *
 * A person is a random combination of real templates. Scores between two people spread as between two real people: the
 * covariance of the templates is that of real ones.
 */
import type { PeopleBase } from './people-base.ts';

const TERMS = 8;
const LEAST_WEIGHT = 0.5;
const MOST_WEIGHT = 1.5;
const MATED = { mean: 0.68, deviation: 0.12 };
const KINSHIP = 0.5;

const Stream = { person: 1, family: 2, probe: 3 } as const;

/** @property people number of different people. */
export interface GalleryShape {
  readonly people: number;
  readonly copies?: { readonly people: number; readonly rows: number };
  readonly family?: number;
}

export interface Probes {
  readonly vectors: Float32Array;
  readonly mates: Uint32Array;
}

export class Gallery {
  readonly rows: number;
  readonly dimension: number;
  readonly #base: PeopleBase;
  readonly #shape: GalleryShape;
  readonly #seed: number;
  readonly #first: Float64Array;
  readonly #second: Float64Array;

  constructor(base: PeopleBase, shape: GalleryShape, seed: number) {
    const { people, rows } = shape.copies ?? { people: 0, rows: 1 };
    this.rows = shape.people + people * (rows - 1);
    this.dimension = base.dimension;
    this.#base = base;
    this.#shape = shape;
    this.#seed = seed;
    this.#first = new Float64Array(base.dimension);
    this.#second = new Float64Array(base.dimension);
  }

  fill(from: number, into: Float32Array): void {
    const { dimension } = this;
    for (let at = 0; at < into.length; at += dimension) {
      this.#writePerson(this.#personOf(from + at / dimension), into, at);
    }
  }

  take(from: number, count: number): Float32Array {
    const rows = new Float32Array(count * this.dimension);
    this.fill(from, rows);
    return rows;
  }

  *batches(count: number): Generator<{ readonly from: number; readonly rows: Float32Array }> {
    const buffer = new Float32Array(Math.min(count, this.rows) * this.dimension);
    for (let from = 0; from < this.rows; from += count) {
      const rows = buffer.subarray(0, Math.min(count, this.rows - from) * this.dimension);
      this.fill(from, rows);
      yield { from, rows };
    }
  }

  probes(count: number): Probes {
    const { dimension } = this;
    const vectors = new Float32Array(count * dimension);
    const mates = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const draw = draws(this.#seed, Stream.probe, i);
      mates[i] = Math.floor(draw() * this.rows);
      this.#writeProbe(mates[i] as number, draw, vectors, i * dimension);
    }
    return { vectors, mates };
  }

  #personOf(row: number): number {
    const { copies } = this.#shape;
    if (!copies) return row;
    const copied = copies.people * copies.rows;
    return row < copied ? Math.floor(row / copies.rows) : copies.people + row - copied;
  }

  #writePerson(person: number, into: Float32Array, at: number): void {
    const { mean, residuals } = this.#base;
    const { family } = this.#shape;
    const own = this.#first;
    this.#combine(residuals, draws(this.#seed, Stream.person, person), false, own);
    if (family) {
      const shared = this.#second;
      const relatives = Math.floor(person / family);
      this.#combine(residuals, draws(this.#seed, Stream.family, relatives), false, shared);
      const [a, b] = [Math.sqrt(1 - KINSHIP), Math.sqrt(KINSHIP)];
      for (let i = 0; i < own.length; i++) own[i] = a * (own[i] as number) + b * (shared[i] as number);
    }
    let squares = 0;
    for (let i = 0; i < own.length; i++) {
      const value = (own[i] as number) + (mean[i] as number);
      own[i] = value;
      squares += value * value;
    }
    const scale = 1 / Math.sqrt(squares);
    for (let i = 0; i < own.length; i++) into[at + i] = (own[i] as number) * scale;
  }

  #writeProbe(row: number, draw: () => number, into: Float32Array, at: number): void {
    this.#writePerson(this.#personOf(row), into, at);
    const template = into.subarray(at, at + this.dimension);
    const score = Math.min(Math.max(MATED.mean + MATED.deviation * normal(draw), 0.05), 0.99);
    const noise = this.#first;
    this.#combine(this.#base.differences, draw, true, noise);
    let along = 0;
    for (let i = 0; i < noise.length; i++) along += (noise[i] as number) * (template[i] as number);
    let squares = 0;
    for (let i = 0; i < noise.length; i++) {
      const value = (noise[i] as number) - along * (template[i] as number);
      noise[i] = value;
      squares += value * value;
    }
    const scale = Math.sqrt((1 - score ** 2) / squares);
    for (let i = 0; i < noise.length; i++) {
      template[i] = score * (template[i] as number) + scale * (noise[i] as number);
    }
  }

  #combine(from: Float32Array, draw: () => number, signs: boolean, into: Float64Array): void {
    const { dimension } = this;
    const rows = from.length / dimension;
    const starts: number[] = [];
    const weights: number[] = [];
    for (let term = 0; term < TERMS; term++) {
      // One row out of each eighth, so that no row comes twice.
      starts.push(dimension * Math.floor(((term + draw()) * rows) / TERMS));
      const weight = LEAST_WEIGHT + (MOST_WEIGHT - LEAST_WEIGHT) * draw();
      weights.push(signs && draw() < 0.5 ? -weight : weight);
    }
    const length = Math.hypot(...weights);
    const [a, b, c, d, e, f, g, h] = weights.map((weight) => weight / length) as Eight;
    const [j, k, l, m, n, o, p, q] = starts as Eight;
    for (let i = 0; i < dimension; i++) {
      into[i] =
        a * (from[j + i] as number) +
        b * (from[k + i] as number) +
        c * (from[l + i] as number) +
        d * (from[m + i] as number) +
        e * (from[n + i] as number) +
        f * (from[o + i] as number) +
        g * (from[p + i] as number) +
        h * (from[q + i] as number);
    }
  }
}

type Eight = [number, number, number, number, number, number, number, number];

function draws(seed: number, stream: number, row: number): () => number {
  let [a, b, c, counter] = [seed | 0, stream | 0, row | 0, 1];
  const next = () => {
    const mixed = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + mixed) | 0;
    return (mixed >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

function normal(draw: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}
