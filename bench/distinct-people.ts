/**
 * Galleries of people who do not exist: deterministic by seed, in any number, one template each unless the shape asks for
 * copies. Any row can be made without those before it, so a gallery need not fit in memory.
 *
 * A person is a random combination of real templates. Scores between two people spread as between two real people: the
 * covariance of the templates is that of real ones.
 */
import type { PeopleBase } from './people-base.ts';

/** Real templates in a combination, and real differences in the noise of a probe. */
const TERMS = 8;
/** Range of the weights in a combination. Similar weights keep two people with a template in common apart. */
const LEAST_WEIGHT = 0.5;
const MOST_WEIGHT = 1.5;
/** Scores of a probe with its mate: those of two images of one person in LFW. */
const MATED = { mean: 0.68, deviation: 0.12 };
/** Share of a template that relatives have in common: they score about as much. */
const KINSHIP = 0.5;

/** Sequences of random numbers. */
const Stream = { person: 1, family: 2, probe: 3 } as const;

/** @property people number of different people. */
export interface GalleryShape {
  readonly people: number;
  /** The first so many people have so many rows each, equal ones. */
  readonly copies?: { readonly people: number; readonly rows: number };
  /** Every so many people are relatives. */
  readonly family?: number;
}

/** Images of enrolled people that the gallery does not hold. */
export interface Probes {
  /** Unit vectors, row after row. */
  readonly vectors: Float32Array;
  /** For each probe, a row of its person. */
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

  /** Writes the rows from `from` on into `into`: unit vectors, as many as fit. */
  fill(from: number, into: Float32Array): void {
    const { dimension } = this;
    for (let at = 0; at < into.length; at += dimension) {
      this.#writePerson(this.#personOf(from + at / dimension), into, at);
    }
  }

  /** `count` rows from `from` on. */
  take(from: number, count: number): Float32Array {
    const rows = new Float32Array(count * this.dimension);
    this.fill(from, rows);
    return rows;
  }

  /** All rows, `count` at a time in one buffer that the next step overwrites. */
  *batches(count: number): Generator<{ readonly from: number; readonly rows: Float32Array }> {
    const buffer = new Float32Array(Math.min(count, this.rows) * this.dimension);
    for (let from = 0; from < this.rows; from += count) {
      const rows = buffer.subarray(0, Math.min(count, this.rows - from) * this.dimension);
      this.fill(from, rows);
      yield { from, rows };
    }
  }

  /** Probes of random rows. */
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

  /** The sum of eight different rows of `from`, with random weights whose squares add up to 1. */
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

/** Chris Doty-Humphrey's sfc32: its 96 bits of seed give each row a separate sequence. Numbers from 0 to below 1. */
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

/** A number of the standard normal distribution (Box and Muller's method). */
function normal(draw: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}
