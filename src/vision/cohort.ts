/**
 * Averages of templates over groups of people, and of degraded faces, none the template of a person. They
 * normalise scores, so that strangers of every group match equally rarely: native/search/cohort.h.
 *
 * Little-endian: `VISAGECO`; format, dimension, number of vectors and of nearest vectors as 32-bit integers;
 * the weight as a 32-bit float; then the vectors, of any length, as 8-bit integers.
 */

const MAGIC = 'VISAGECO';
const FORMAT = 1;
const HEADER_BYTES = 28;
const WEIGHT_AT = 24;
const MOST_WEIGHT = 10;
const MOST_VALUE = 127;

export interface Cohort {
  readonly dimension: number;
  /** Vectors whose cosines with a face give its offset. */
  readonly nearest: number;
  /** Of the squared mean of these cosines, above 0, at most 10. */
  readonly weight: number;
  /** Numbers -127..127. */
  readonly vectors: readonly Int8Array[];
}

export function cohortOf(averages: readonly Float32Array[], nearest: number, weight: number): Cohort {
  const vectors = averages.map((average) => {
    const most = average.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    return Int8Array.from(average, (value) => Math.round((MOST_VALUE * value) / most));
  });
  return { dimension: averages[0]?.length ?? 0, nearest, weight: Math.fround(weight), vectors };
}

export function cohortFile({ dimension, nearest, weight, vectors }: Cohort): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  [FORMAT, dimension, vectors.length, nearest].forEach((value, i) => {
    header.writeUInt32LE(value, MAGIC.length + 4 * i);
  });
  header.writeFloatLE(weight, WEIGHT_AT);
  return Buffer.concat([header, ...vectors.map((vector) => Buffer.from(vector.buffer))]);
}

/** @throws Error for an invalid file. */
export function parseCohort(file: Uint8Array): Cohort {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw new Error(`A cohort starts with ${MAGIC} and a header of ${HEADER_BYTES} bytes`);
  }
  const [format, dimension, count, nearest] = [0, 1, 2, 3].map((i) =>
    bytes.readUInt32LE(MAGIC.length + 4 * i),
  ) as [number, number, number, number];
  if (format !== FORMAT) throw new Error(`Expected a cohort of format ${FORMAT}, got format ${format}`);
  if (dimension === 0) throw new Error('Expected a cohort of at least 1 dimension, got 0');
  if (nearest === 0 || nearest > count) {
    throw new Error(
      `Expected the number of nearest vectors to be 1 to the number of vectors, ${count}, got ${nearest}`,
    );
  }
  const weight = bytes.readFloatLE(WEIGHT_AT);
  if (!(weight > 0 && weight <= MOST_WEIGHT)) {
    throw new Error(`Expected a weight above 0 and at most ${MOST_WEIGHT}, got ${weight}`);
  }
  const size = HEADER_BYTES + count * dimension;
  if (bytes.length !== size) {
    throw new Error(
      `Expected ${size} bytes for ${count} vectors of ${dimension} dimensions, got ${bytes.length}`,
    );
  }
  const vectors = Array.from({ length: count }, (_, i) =>
    Int8Array.from(bytes.subarray(HEADER_BYTES + i * dimension, HEADER_BYTES + (i + 1) * dimension)),
  );
  return { dimension, nearest, weight, vectors };
}
