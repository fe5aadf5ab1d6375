import { normals, uniforms } from '../base/random.ts';
import { DistinctPeople } from './distinct-people.ts';
import { innerProduct } from './impostors.ts';
import { eigenOf, secondMoments } from './principal-axes.ts';
import { CENTROIDS, ENERGY_KEPT, ranksFor, type SearchSpace } from './search-space.ts';

/** 64 bytes a face. A subquantizer encodes at least two values. */
const MOST_SUBQUANTIZERS = 128;
const TRAINING_PEOPLE = 65_536;
const ITERATIONS = 25;
const MATCH_PROBES = 1_000;
const HELD_OUT = 10;
const TEST_PEOPLE = 20_000;
const TEST_PROBES = 200;
/** Score of two images of a person. */
const MATED = 0.68;

export interface TrainingReport {
  readonly energy: { readonly worst: number; readonly worstIndex: number; readonly mean: number };
  /** Best match among all other templates, in all dimensions and in the space. */
  readonly matches: { readonly probes: number; readonly changed: number; readonly worstLoss: number };
  /** Rank of the best match in the order of the codes, among made-up people. */
  readonly places: {
    readonly people: number;
    readonly probes: number;
    readonly worst: number;
    readonly mean: number;
  };
}

export interface TrainedSearchSpace {
  readonly space: SearchSpace;
  readonly report: TrainingReport;
}

/**
 * @param templates unit vectors of one length, of many people; some degraded.
 * @param options made-up people train and test the quantiser.
 * @throws Error if no rank keeps `ENERGY_KEPT` of every template.
 */
export function trainSearchSpace(
  templates: readonly Float32Array[],
  { seed = 1, trainingPeople = TRAINING_PEOPLE, testPeople = TEST_PEOPLE } = {},
): TrainedSearchSpace {
  const dimension = templates[0]?.length ?? 0;
  const { vectors } = eigenOf(secondMoments(templates, dimension), dimension);
  const rows = templates.map((template) => coordinates(template, vectors));
  const rank = smallestRank(rows, dimension);
  const subquantizers = subquantizersFor(rank);
  const rotation = randomRotation(rank, seed);
  const inSpace = rows.map((row) => coordinates(row.subarray(0, rank), rotation));
  const people = (ofTests: boolean) =>
    new DistinctPeople(
      inSpace.filter((_, i) => (i % HELD_OUT === 0) === ofTests),
      seed,
    );
  const centroids = trainQuantizer(take(people(false), trainingPeople), subquantizers, seed);
  const energies = inSpace.map((row) => innerProduct(row, row));
  const worst = energies.reduce((least, energy) => Math.min(least, energy));
  return {
    space: { dimension, rank, subquantizers, basis: rotated(vectors, rotation, rank, dimension), centroids },
    report: {
      energy: {
        worst,
        worstIndex: energies.indexOf(worst),
        mean: energies.reduce((sum, energy) => sum + energy, 0) / energies.length,
      },
      matches: changedMatches(rows, rank),
      places: placesOf(people(true), testPeople, centroids, subquantizers),
    },
  };
}

function take(source: DistinctPeople, count: number): Float32Array[] {
  return Array.from({ length: count }, () => source.next());
}

function coordinates(vector: Float32Array, axes: Float64Array): Float32Array {
  const size = vector.length;
  return Float32Array.from({ length: size }, (_, axis) => {
    let sum = 0;
    for (let i = 0, at = axis * size; i < size; i++, at++)
      sum += (axes[at] as number) * (vector[i] as number);
    return sum;
  });
}

function smallestRank(rows: readonly Float32Array[], dimension: number): number {
  const kept = new Float64Array(dimension + 1).fill(1);
  for (const row of rows) {
    let energy = 0;
    for (const [i, value] of row.entries()) {
      energy += value * value;
      kept[i + 1] = Math.min(kept[i + 1] as number, energy);
    }
  }
  const ranks = ranksFor(dimension);
  const rank = ranks.find((rank) => (kept[rank] as number) >= ENERGY_KEPT) ?? ranks.at(-1) ?? 0;
  const least = kept[rank] as number;
  if (rank === 0 || least < ENERGY_KEPT) {
    throw new Error(
      `Expected every template to keep ${100 * ENERGY_KEPT} % of its energy in a multiple of 32 dimensions of ${dimension}: ` +
        `${rank} dimensions keep ${(100 * least).toFixed(2)} % of the worst. Use the pack without a search space`,
    );
  }
  return rank;
}

function subquantizersFor(rank: number): number {
  let values = 2;
  while (rank % (2 * values) !== 0 || rank / values > MOST_SUBQUANTIZERS) values++;
  return rank / values;
}

/** Random orthonormal rows (Gram and Schmidt) spread the variance evenly: `docs/experiments.md`. */
function randomRotation(size: number, seed: number): Float64Array {
  const normal = normals(seed);
  const rows = Float64Array.from({ length: size * size }, normal);
  for (let r = 0; r < size; r++) {
    const row = rows.subarray(r * size, (r + 1) * size);
    for (let before = 0; before < r; before++) {
      const other = rows.subarray(before * size, (before + 1) * size);
      const shared = row.reduce((sum, value, i) => sum + value * (other[i] as number), 0);
      for (let i = 0; i < size; i++) row[i] = (row[i] as number) - shared * (other[i] as number);
    }
    const length = Math.hypot(...row);
    for (let i = 0; i < size; i++) row[i] = (row[i] as number) / length;
  }
  return rows;
}

function rotated(axes: Float64Array, rotation: Float64Array, rank: number, dimension: number): Float32Array {
  const basis = new Float64Array(rank * dimension);
  for (let to = 0; to < rank; to++) {
    for (let from = 0; from < rank; from++) {
      const share = rotation[to * rank + from] as number;
      for (let i = 0; i < dimension; i++) {
        basis[to * dimension + i] =
          (basis[to * dimension + i] as number) + share * (axes[from * dimension + i] as number);
      }
    }
  }
  return Float32Array.from(basis);
}

function trainQuantizer(rows: readonly Float32Array[], subquantizers: number, seed: number): Float32Array {
  const rank = rows[0]?.length ?? 0;
  const size = rank / subquantizers;
  const centroids = new Float32Array(CENTROIDS * rank);
  for (let part = 0; part < subquantizers; part++) {
    const points = new Float64Array(rows.length * size);
    for (const [i, row] of rows.entries()) points.set(row.subarray(part * size, (part + 1) * size), i * size);
    centroids.set(means(points, size, uniforms(seed + part)), part * CENTROIDS * size);
  }
  return centroids;
}

function means(points: Float64Array, size: number, uniform: () => number): Float64Array {
  const count = points.length / size;
  const centres = new Float64Array(CENTROIDS * size);
  for (let c = 0; c < CENTROIDS; c++) {
    const from = Math.floor(uniform() * count) * size;
    centres.set(points.subarray(from, from + size), c * size);
  }
  const sums = new Float64Array(CENTROIDS * size);
  const members = new Float64Array(CENTROIDS);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    sums.fill(0);
    members.fill(0);
    for (let at = 0; at < points.length; at += size) {
      const c = nearest(points, at, centres, size);
      members[c] = (members[c] as number) + 1;
      for (let i = 0; i < size; i++) {
        sums[c * size + i] = (sums[c * size + i] as number) + (points[at + i] as number);
      }
    }
    for (let c = 0; c < CENTROIDS; c++) {
      const total = members[c] as number;
      const random = Math.floor(uniform() * count) * size;
      for (let i = 0; i < size; i++) {
        centres[c * size + i] =
          total > 0 ? (sums[c * size + i] as number) / total : (points[random + i] as number);
      }
    }
  }
  return centres;
}

function nearest(
  points: Float64Array | Float32Array,
  at: number,
  centres: Float64Array | Float32Array,
  size: number,
): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let c = 0; c < CENTROIDS; c++) {
    let distance = 0;
    for (let i = 0; i < size; i++) {
      distance += ((points[at + i] as number) - (centres[c * size + i] as number)) ** 2;
    }
    if (distance < least) [best, least] = [c, distance];
  }
  return best;
}

function changedMatches(rows: readonly Float32Array[], rank: number): TrainingReport['matches'] {
  const step = Math.max(1, Math.floor(rows.length / MATCH_PROBES));
  let probes = 0;
  let changed = 0;
  let worstLoss = 0;
  for (let probe = 0; probe < rows.length; probe += step) {
    const row = rows[probe] as Float32Array;
    const full = { index: -1, score: Number.NEGATIVE_INFINITY };
    const inSpace = { index: -1, score: Number.NEGATIVE_INFINITY, fullScore: 0 };
    for (const [index, other] of rows.entries()) {
      if (index === probe) continue;
      const score = innerProduct(row.subarray(0, rank), other.subarray(0, rank));
      const fullScore = score + innerProduct(row.subarray(rank), other.subarray(rank));
      if (fullScore > full.score) Object.assign(full, { index, score: fullScore });
      if (score > inSpace.score) Object.assign(inSpace, { index, score, fullScore });
    }
    probes++;
    if (full.index === inSpace.index) continue;
    changed++;
    worstLoss = Math.max(worstLoss, full.score - inSpace.fullScore);
  }
  return { probes, changed, worstLoss };
}

function placesOf(
  source: DistinctPeople,
  count: number,
  centroids: Float32Array,
  subquantizers: number,
): TrainingReport['places'] {
  const people = take(source, count);
  const codes = people.map((person) => encode(person, centroids, subquantizers));
  const places = people.slice(0, TEST_PROBES).map((person) => {
    const probe = source.probe(person, MATED);
    const table = tablesOf(probe, centroids, subquantizers);
    const quantized = codes.map((code) =>
      code.reduce((sum, c, part) => sum + (table[part * CENTROIDS + c] as number), 0),
    );
    const exact = people.map((other) => innerProduct(probe, other));
    const limit = quantized[exact.indexOf(exact.reduce((most, score) => Math.max(most, score)))] as number;
    return quantized.reduce((place, score) => (score >= limit ? place + 1 : place), 0);
  });
  return {
    people: people.length,
    probes: places.length,
    worst: Math.max(...places),
    mean: places.reduce((sum, place) => sum + place, 0) / places.length,
  };
}

function encode(row: Float32Array, centroids: Float32Array, subquantizers: number): Uint8Array {
  const size = row.length / subquantizers;
  return Uint8Array.from({ length: subquantizers }, (_, part) => {
    const own = part * CENTROIDS * size;
    return nearest(row, part * size, centroids.subarray(own, own + CENTROIDS * size), size);
  });
}

function tablesOf(probe: Float32Array, centroids: Float32Array, subquantizers: number): Float32Array {
  const size = probe.length / subquantizers;
  return Float32Array.from({ length: subquantizers * CENTROIDS }, (_, c) => {
    const part = Math.floor(c / CENTROIDS);
    return innerProduct(
      centroids.subarray(c * size, (c + 1) * size),
      probe.subarray(part * size, (part + 1) * size),
    );
  });
}
