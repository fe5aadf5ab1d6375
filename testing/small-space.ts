import { CENTROIDS, type SearchSpace } from '../src/vision/search-space.ts';

const RANK = 32;

/** A search space of the first 32 dimensions, with centroids that are all different. */
export function smallSpace(dimension: number): SearchSpace {
  const basis = new Float32Array(RANK * dimension);
  for (let i = 0; i < RANK; i++) basis[i * dimension + i] = 1;
  const centroids = Float32Array.from({ length: CENTROIDS * RANK }, (_, i) => i / 1000);
  return { dimension, rank: RANK, subquantizers: 16, basis, centroids };
}
