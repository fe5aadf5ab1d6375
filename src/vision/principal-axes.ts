export interface Eigen {
  /** Largest first. */
  readonly values: Float64Array;
  /** Orthonormal rows in the order of the values. */
  readonly vectors: Float64Array;
}

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
 * Householder reduction to a tridiagonal matrix, then the implicit QL algorithm.
 * @param matrix symmetric.
 */
export function eigenOf(matrix: Float64Array, size: number): Eigen {
  const { diagonal, beside, axes } = tridiagonal(matrix, size);
  diagonalize(diagonal, beside, axes, size);
  const order = Array.from(diagonal.keys()).sort((a, b) => (diagonal[b] as number) - (diagonal[a] as number));
  const vectors = new Float64Array(size * size);
  for (const [to, from] of order.entries()) {
    vectors.set(axes.subarray(from * size, (from + 1) * size), to * size);
  }
  return { values: Float64Array.from(order, (i) => diagonal[i] as number), vectors };
}

interface Tridiagonal {
  readonly diagonal: Float64Array;
  readonly beside: Float64Array;
  readonly axes: Float64Array;
}

function tridiagonal(matrix: Float64Array, size: number): Tridiagonal {
  const rest = matrix.slice();
  const axes = new Float64Array(size * size);
  for (let i = 0; i < size; i++) axes[i * size + i] = 1;
  const beside = new Float64Array(size);
  const mirror = new Float64Array(size);
  const image = new Float64Array(size);
  for (let k = 0; k + 1 < size; k++) {
    mirror.fill(0);
    mirror.set(rest.subarray(k * size + k + 1, (k + 1) * size), k + 1);
    const first = mirror[k + 1] as number;
    const target =
      first > 0
        ? -Math.sqrt(inner(mirror, 0, mirror, 0, size))
        : Math.sqrt(inner(mirror, 0, mirror, 0, size));
    beside[k] = target;
    mirror[k + 1] = first - target;
    const length = Math.sqrt(inner(mirror, 0, mirror, 0, size));
    if (length === 0) continue;
    for (let i = k + 1; i < size; i++) mirror[i] = (mirror[i] as number) / length;
    for (let i = 0; i < size; i++) image[i] = i > k ? inner(rest, i * size, mirror, 0, size) : 0;
    const shared = inner(mirror, 0, image, 0, size);
    for (let i = k + 1; i < size; i++) image[i] = 2 * ((image[i] as number) - shared * (mirror[i] as number));
    for (let i = k + 1; i < size; i++) {
      addScaled(rest, i * size, image, 0, size, -(mirror[i] as number));
      addScaled(rest, i * size, mirror, 0, size, -(image[i] as number));
    }
    image.fill(0);
    for (let i = k + 1; i < size; i++) addScaled(image, 0, axes, i * size, size, mirror[i] as number);
    for (let i = k + 1; i < size; i++) addScaled(axes, i * size, image, 0, size, -2 * (mirror[i] as number));
  }
  return {
    diagonal: Float64Array.from({ length: size }, (_, i) => rest[i * size + i] as number),
    beside,
    axes,
  };
}

function diagonalize(diagonal: Float64Array, beside: Float64Array, axes: Float64Array, size: number): void {
  const d = (i: number) => diagonal[i] as number;
  const e = (i: number) => beside[i] as number;
  for (let low = 0; low < size; low++) {
    for (;;) {
      let high = low;
      while (
        high + 1 < size &&
        Math.abs(e(high)) > Number.EPSILON * (Math.abs(d(high)) + Math.abs(d(high + 1)))
      ) {
        high++;
      }
      if (high === low) break;
      const half = (d(low + 1) - d(low)) / (2 * e(low));
      const shift = e(low) / (half + (half < 0 ? -1 : 1) * Math.hypot(half, 1));
      let g = d(high) - d(low) + shift;
      let [sine, cosine, p] = [1, 1, 0];
      let i = high - 1;
      for (; i >= low; i--) {
        const f = sine * e(i);
        const b = cosine * e(i);
        const r = Math.hypot(f, g);
        beside[i + 1] = r;
        if (r === 0) break;
        sine = f / r;
        cosine = g / r;
        const from = d(i + 1) - p;
        const turn = (d(i) - from) * sine + 2 * cosine * b;
        p = sine * turn;
        diagonal[i + 1] = from + p;
        g = cosine * turn - b;
        rotate(axes, i * size, size, cosine, sine);
      }
      if (i >= low) {
        diagonal[i + 1] = d(i + 1) - p;
      } else {
        diagonal[low] = d(low) - p;
        beside[low] = g;
      }
      beside[high] = 0;
    }
  }
}

function inner(a: Float64Array, aStart: number, b: Float64Array, bStart: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (a[aStart + i] as number) * (b[bStart + i] as number);
  return sum;
}

function addScaled(
  to: Float64Array,
  toStart: number,
  from: Float64Array,
  fromStart: number,
  length: number,
  factor: number,
): void {
  for (let i = 0; i < length; i++) {
    to[toStart + i] = (to[toStart + i] as number) + factor * (from[fromStart + i] as number);
  }
}

function rotate(rows: Float64Array, start: number, length: number, cosine: number, sine: number): void {
  for (let i = start; i < start + length; i++) {
    const [first, second] = [rows[i] as number, rows[i + length] as number];
    rows[i] = cosine * first - sine * second;
    rows[i + length] = sine * first + cosine * second;
  }
}
