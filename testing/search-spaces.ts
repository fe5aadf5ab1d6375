import { normals } from '../src/base/random.ts';
import { openSearchSpace, type SearchSpace } from '../src/native/gallery-index.ts';
import { searchSpaceFile } from '../src/vision/search-space.ts';

/** Levels of a quantiser of 2 bits for a normal variable of variance 1 (J. Max, Quantizing for minimum distortion, 1960). */
const LEVELS = [-1.51, -0.4528, 0.4528, 1.51];

export interface SpaceOptions {
  readonly dimension: number;
  /** A multiple of 32. */
  readonly rank: number;
  readonly seed?: number;
  /** All centroids are zero, so proposals are chance. */
  readonly isBlind?: boolean;
}

export function orthonormal({ dimension, rank, seed = 1 }: SpaceOptions): Float64Array[] {
  const normal = normals(seed);
  const basis: Float64Array[] = [];
  while (basis.length < rank) {
    const vector = Float64Array.from({ length: dimension }, normal);
    for (const earlier of basis) {
      const along = vector.reduce((sum, value, i) => sum + value * (earlier[i] as number), 0);
      for (let i = 0; i < dimension; i++) vector[i] = (vector[i] as number) - along * (earlier[i] as number);
    }
    const length = Math.hypot(...vector);
    basis.push(vector.map((value) => value / length));
  }
  return basis;
}

export function evenSpaceFile(options: SpaceOptions): Buffer {
  const { dimension, rank, isBlind = false } = options;
  const subquantizers = rank / 2;
  const spread = isBlind ? 0 : 1 / Math.sqrt(rank);
  const part = LEVELS.flatMap((first) => LEVELS.flatMap((second) => [first * spread, second * spread]));
  return searchSpaceFile({
    dimension,
    rank,
    subquantizers,
    basis: Float32Array.from(orthonormal(options).flatMap((vector) => [...vector])),
    centroids: Float32Array.from(Array.from({ length: subquantizers }, () => part).flat()),
  });
}

export function evenSpace(options: SpaceOptions): SearchSpace {
  return openSearchSpace(evenSpaceFile(options));
}
