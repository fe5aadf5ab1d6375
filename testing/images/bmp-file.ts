export interface BmpFile {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** Bytes of the second header: 12 (OS/2), 40, 108 or 124. */
  readonly header?: number;
  readonly compression?: number;
  readonly masks?: readonly number[];
  readonly palette?: readonly (readonly number[])[];
  readonly pixels: Uint8Array;
  readonly gap?: number;
}

export function bmpFile(file: BmpFile): Buffer {
  const { header = 40, masks = [], palette = [], gap = 0 } = file;
  const entry = header === 12 ? 3 : 4;
  const afterMasks = Math.max(14 + header, masks.length > 0 ? 54 + 4 * masks.length : 0);
  const start = afterMasks + palette.length * entry + gap;
  const bytes = Buffer.alloc(start + file.pixels.length);
  bytes.write('BM', 'latin1');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(start, 10);
  bytes.writeUInt32LE(header, 14);
  if (header === 12) {
    bytes.writeUInt16LE(file.width, 18);
    bytes.writeUInt16LE(file.height, 20);
    bytes.writeUInt16LE(1, 22);
    bytes.writeUInt16LE(file.bits, 24);
  } else {
    bytes.writeInt32LE(file.width, 18);
    bytes.writeInt32LE(file.height, 22);
    bytes.writeUInt16LE(1, 26);
    bytes.writeUInt16LE(file.bits, 28);
    bytes.writeUInt32LE(file.compression ?? 0, 30);
    bytes.writeUInt32LE(palette.length, 46);
  }
  for (const [i, mask] of masks.entries()) bytes.writeUInt32LE(mask, 54 + 4 * i);
  for (const [i, [red = 0, green = 0, blue = 0]] of palette.entries()) {
    bytes.set([blue, green, red], afterMasks + i * entry);
  }
  bytes.set(file.pixels, start);
  return bytes;
}

/** Rows of pixels of 1 to 32 bits, each row filled up to four bytes. */
export function bmpRows(
  width: number,
  height: number,
  bits: number,
  valueAt: (x: number, row: number) => number,
): Buffer {
  const stride = Math.ceil((width * bits) / 32) * 4;
  const rows = Buffer.alloc(stride * height);
  for (let row = 0; row < height; row++) {
    for (let x = 0; x < width; x++) {
      const value = valueAt(x, row);
      const at = row * stride + Math.floor((x * bits) / 8);
      if (bits >= 8) rows.writeUIntLE(value, at, bits / 8);
      else rows[at] = (rows[at] ?? 0) | (value << (8 - bits - ((x * bits) % 8)));
    }
  }
  return rows;
}
