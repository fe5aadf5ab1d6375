import type { Row } from '../src/native/gallery-index.ts';

/** Coordinates of a row, from IEEE 754 binary16. */
export function valuesOf(row: Row): Float32Array {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  return Float32Array.from({ length: row.length / 2 }, (_, i) => {
    const half = bytes.readUInt16LE(2 * i);
    const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
    const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    return half & 0x8000 ? -magnitude : magnitude;
  });
}
