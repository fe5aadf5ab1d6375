import { normals, uniforms } from '../base/random.ts';

const PARTS = 8;

/**
 * Random combinations of real templates, or of their rows in a basis. Mean and second moments stay, so scores
 * between them are realistic.
 */
export class DistinctPeople {
  readonly #rows: readonly Float32Array[];
  readonly #mean: Float64Array;
  readonly #uniform: () => number;
  readonly #normal: () => number;
  readonly #noise: Float64Array;

  /** @param rows at least two, of one length. */
  constructor(rows: readonly Float32Array[], seed: number) {
    const length = rows[0]?.length ?? 0;
    this.#rows = rows;
    this.#mean = new Float64Array(length);
    for (const row of rows)
      for (let i = 0; i < length; i++) add(this.#mean, i, (row[i] as number) / rows.length);
    this.#uniform = uniforms(seed);
    this.#normal = normals(seed + 1);
    this.#noise = new Float64Array(length);
  }

  /** A unit vector. */
  next(): Float32Array {
    const person = this.#combination();
    for (let i = 0; i < person.length; i++) add(person, i, this.#mean[i] as number);
    return unit(person);
  }

  /** Another image of the person, with this cosine. */
  probe(person: Float32Array, score: number): Float32Array {
    const other = this.#combination();
    let shared = 0;
    for (let i = 0; i < other.length; i++) shared += (other[i] as number) * (person[i] as number);
    for (let i = 0; i < other.length; i++) add(other, i, -shared * (person[i] as number));
    const across = unit(other);
    const rest = Math.sqrt(1 - score * score);
    return person.map((value, i) => score * value + rest * (across[i] as number));
  }

  #combination(): Float64Array {
    const sum = this.#noise.fill(0);
    for (let part = 0; part < PARTS; part++) {
      const row = this.#rows[Math.floor(this.#uniform() * this.#rows.length)] as Float32Array;
      const weight = this.#normal() / Math.sqrt(PARTS);
      for (let i = 0; i < sum.length; i++)
        add(sum, i, weight * ((row[i] as number) - (this.#mean[i] as number)));
    }
    return sum;
  }
}

function add(sums: Float64Array, at: number, value: number): void {
  sums[at] = (sums[at] as number) + value;
}

function unit(vector: Float64Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const scale = 1 / Math.sqrt(squares);
  return Float32Array.from(vector, (value) => value * scale);
}
