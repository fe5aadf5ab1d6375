/** Trains a model pack's search space on templates of many people. */
import { uniforms } from '../base/random.ts';
import { DistinctPeople } from './distinct-people.ts';
import { innerProduct } from './impostors.ts';
import { eigenOf, secondMoments } from './principal-axes.ts';
import { CENTROIDS, ENERGY_KEPT, ranksFor, type SearchSpace } from './search-space.ts';

/** Values of a row that one subquantizer encodes. */
const VALUES_PER_CODE = 2;
const TRAINING_PEOPLE = 65_536;
const ITERATIONS = 25;
const MATCH_PROBES = 1_000;

export interface TrainingReport {
  readonly energy: { readonly worst: number; readonly worstIndex: number; readonly mean: number };
  /** Best match of a template among all others, in all dimensions and in the space. */
  readonly matches: { readonly probes: number; readonly changed: number; readonly worstLoss: number };
}

export interface TrainedSearchSpace {
  readonly space: SearchSpace;
  readonly report: TrainingReport;
}

/**
 * @param templates unit vectors of one length, from many people; degraded ones too.
 * @param options `seed`: the same seed and templates give the same space. `people`: made-up people that train the quantizer.
 * @throws Error if no rank keeps {@link ENERGY_KEPT} of every template.
 */
export function trainSearchSpace(
  templates: readonly Float32Array[],
  { seed = 1, people = TRAINING_PEOPLE } = {},
): TrainedSearchSpace {
  const dimension = templates[0]?.length ?? 0;
  const { values, vectors } = eigenOf(secondMoments(templates, dimension), dimension);
  const rows = templates.map((template) => coordinates(template, vectors));
  const rank = smallestRank(rows, dimension);
  const subquantizers = rank / VALUES_PER_CODE;
  const order = balanced(values.subarray(0, rank), subquantizers);
  const basis = new Float32Array(rank * dimension);
  for (const [to, from] of order.entries()) {
    basis.set(vectors.subarray(from * dimension, (from + 1) * dimension), to * dimension);
  }
  const inSpace = rows.map((row) => Float32Array.from(order, (axis) => row[axis] as number));
  const source = new DistinctPeople(inSpace, seed);
  const training = Array.from({ length: people }, () => source.next());
  const centroids = trainQuantizer(training, subquantizers, seed);
  const energies = inSpace.map((row) => innerProduct(row, row));
  const worst = energies.reduce((least, energy) => Math.min(least, energy), 1);
  return {
    space: { dimension, rank, subquantizers, basis, centroids },
    report: {
      energy: {
        worst,
        worstIndex: energies.indexOf(worst),
        mean: energies.reduce((sum, energy) => sum + energy, 0) / energies.length,
      },
      matches: changedMatches(rows, rank),
    },
  };
}

/** Inner products with the orthonormal rows of `axes`. */
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

/**
 * Deals axes to subquantizers, so that the products of their variances are alike: the allocation that is optimal for
 * normally distributed values (T. Ge et al., "Optimized Product Quantization", 2013).
 * @param variances largest first.
 * @returns axes in the order of the subquantizers.
 */
function balanced(variances: Float64Array, subquantizers: number): number[] {
  const size = variances.length / subquantizers;
  const parts = Array.from({ length: subquantizers }, () => ({ axes: [] as number[], logProduct: 0 }));
  const least = Math.max(variances.at(-1) ?? 0, Number.MIN_VALUE);
  for (const [axis, variance] of variances.entries()) {
    const open = parts.filter(({ axes }) => axes.length < size);
    const part = open.reduce((best, other) => (other.logProduct < best.logProduct ? other : best));
    part.axes.push(axis);
    part.logProduct += Math.log(Math.max(variance, least) / least);
  }
  return parts.flatMap(({ axes }) => axes);
}

/** k-means for each subquantizer. */
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

/** Lloyd's algorithm from random points. */
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

function nearest(points: Float64Array, at: number, centres: Float64Array, size: number): number {
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
