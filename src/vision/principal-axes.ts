/** Principal axes of vectors: eigenvectors of their second moments. */

const MAX_SWEEPS = 60;
/** Rows whose cosine is below this count as orthogonal. */
const ORTHOGONAL = 1e-12;

export interface Eigen {
  /** Largest first. */
  readonly values: Float64Array;
  /** Orthonormal rows in the order of the values. */
  readonly vectors: Float64Array;
}

/** Mean of `v v^T`, row after row. Vectors have `dimension` values each. */
export function secondMoments(vectors: readonly Float32Array[], dimension: number): Float64Array {
  const sums = new Float64Array(dimension * dimension);
  for (const vector of vectors) {
    for (let i = 0; i < dimension; i++) {
      const value = vector[i] as number;
      for (let j = i, at = i * dimension + i; j < dimension; j++, at++) {
        sums[at] = (sums[at] as number) + value * (vector[j] as number);
      }
    }
  }
  for (let i = 0; i < dimension; i++) {
    for (let j = i; j < dimension; j++) {
      const mean = (sums[i * dimension + j] as number) / vectors.length;
      sums[i * dimension + j] = mean;
      sums[j * dimension + i] = mean;
    }
  }
  return sums;
}

/**
 * One-sided Jacobi method: rotates pairs of rows until all rows are orthogonal.
 * @param matrix symmetric and positive semidefinite, `size` times `size`.
 */
export function eigenOf(matrix: Float64Array, size: number): Eigen {
  const rows = matrix.slice();
  const axes = new Float64Array(size * size);
  let trace = 0;
  for (let i = 0; i < size; i++) {
    axes[i * size + i] = 1;
    trace += matrix[i * size + i] as number;
  }
  const negligible = (ORTHOGONAL * trace) ** 2;
  for (let sweep = 0, rotated = true; rotated && sweep < MAX_SWEEPS; sweep++) {
    rotated = false;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const squares = inner(rows, p, p, size) - inner(rows, q, q, size);
        const product = inner(rows, p, q, size);
        const limit = ORTHOGONAL * Math.sqrt(inner(rows, p, p, size) * inner(rows, q, q, size));
        if (Math.abs(product) <= Math.max(limit, negligible)) continue;
        rotated = true;
        const ratio = -squares / (2 * product);
        const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.sqrt(1 + ratio * ratio));
        rotate(rows, p, q, size, tangent);
        rotate(axes, p, q, size, tangent);
      }
    }
  }
  const lengths = Float64Array.from({ length: size }, (_, i) => Math.sqrt(inner(rows, i, i, size)));
  const order = Array.from(lengths.keys()).sort((a, b) => (lengths[b] as number) - (lengths[a] as number));
  const vectors = new Float64Array(size * size);
  for (const [to, from] of order.entries()) {
    vectors.set(axes.subarray(from * size, (from + 1) * size), to * size);
  }
  return { values: Float64Array.from(order, (i) => lengths[i] as number), vectors };
}

function inner(matrix: Float64Array, p: number, q: number, size: number): number {
  let sum = 0;
  for (let i = p * size, j = q * size, end = i + size; i < end; i++, j++) {
    sum += (matrix[i] as number) * (matrix[j] as number);
  }
  return sum;
}

function rotate(matrix: Float64Array, p: number, q: number, size: number, tangent: number): void {
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  const sine = cosine * tangent;
  for (let i = p * size, j = q * size, end = i + size; i < end; i++, j++) {
    const [first, second] = [matrix[i] as number, matrix[j] as number];
    matrix[i] = cosine * first - sine * second;
    matrix[j] = sine * first + cosine * second;
  }
}
