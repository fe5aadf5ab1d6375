/**
 * Orthonormal basis of a pack's templates, and a 4-bit product quantiser for its rows.
 *
 * Little-endian: `VISAGESS`; format, dimension, rank and number of subquantizers as 32-bit integers; then
 * basis and centroids as 32-bit floats.
 */

const MAGIC = 'VISAGESS';
const FORMAT = 1;
const HEADER_BYTES = 24;
const RANK_STEP = 32;
/** Least share of its squared length that a template keeps. */
export const ENERGY_KEPT = 0.998;
export const CENTROIDS = 16;

export interface SearchSpace {
  readonly dimension: number;
  /** Values per row: a multiple of 32, at most `dimension`. */
  readonly rank: number;
  /** Even; divides `rank`. */
  readonly subquantizers: number;
  /** Orthonormal rows: `rank` times `dimension`. */
  readonly basis: Float32Array;
  /** `subquantizers` times `CENTROIDS` times `rank / subquantizers`. */
  readonly centroids: Float32Array;
}

export function ranksFor(dimension: number): number[] {
  return Array.from({ length: Math.floor(dimension / RANK_STEP) }, (_, i) => RANK_STEP * (i + 1));
}

export function searchSpaceFile({ dimension, rank, subquantizers, basis, centroids }: SearchSpace): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  [FORMAT, dimension, rank, subquantizers].forEach((value, i) => {
    header.writeUInt32LE(value, MAGIC.length + 4 * i);
  });
  return Buffer.concat([header, floatBytes(basis), floatBytes(centroids)]);
}

/** @throws Error for an invalid file. */
export function parseSearchSpace(file: Uint8Array): SearchSpace {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw new Error(`A search space starts with ${MAGIC} and a header of ${HEADER_BYTES} bytes`);
  }
  const [format, dimension, rank, subquantizers] = [0, 1, 2, 3].map((i) =>
    bytes.readUInt32LE(MAGIC.length + 4 * i),
  ) as [number, number, number, number];
  if (format !== FORMAT) throw new Error(`Expected a search space of format ${FORMAT}, got format ${format}`);
  if (!ranksFor(dimension).includes(rank)) {
    throw new Error(
      `Expected the rank to be a multiple of ${RANK_STEP} up to the dimension ${dimension}, got ${rank}`,
    );
  }
  if (subquantizers === 0 || subquantizers % 2 !== 0 || rank % subquantizers !== 0) {
    throw new Error(
      `Expected an even number of subquantizers that divides the rank ${rank}, got ${subquantizers}`,
    );
  }
  const size = HEADER_BYTES + 4 * rank * (dimension + CENTROIDS);
  if (bytes.length !== size) {
    throw new Error(
      `Expected ${size} bytes for rank ${rank} of ${dimension} dimensions, got ${bytes.length}`,
    );
  }
  const basis = floatsAt(bytes, HEADER_BYTES, rank * dimension);
  const centroids = floatsAt(bytes, HEADER_BYTES + 4 * rank * dimension, rank * CENTROIDS);
  if (!basis.every(Number.isFinite) || !centroids.every(Number.isFinite)) {
    throw new Error('The search space holds values that are not finite numbers');
  }
  return { dimension, rank, subquantizers, basis, centroids };
}

export function project({ dimension, rank, basis }: SearchSpace, template: Float32Array): Float32Array {
  const row = new Float32Array(rank);
  for (let r = 0, at = 0; r < rank; r++) {
    let sum = 0;
    for (let i = 0; i < dimension; i++) sum += (basis[at++] as number) * (template[i] as number);
    row[r] = sum;
  }
  return row;
}

/** Of a unit vector's squared length, 0..1. */
export function energyKept(space: SearchSpace, template: Float32Array): number {
  return project(space, template).reduce((sum, value) => sum + value * value, 0);
}

function floatBytes({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The bytes may not be aligned. */
function floatsAt(bytes: Buffer, start: number, count: number): Float32Array {
  return new Float32Array(Uint8Array.from(bytes.subarray(start, start + 4 * count)).buffer);
}
