/** TIFF files (TIFF 6.0), uncompressed unless an entry says otherwise. */
export interface TiffFile {
  readonly width: number;
  readonly height: number;
  readonly bits: readonly number[];
  /** 0 white is zero, 1 black is zero, 2 RGB, 6 YCbCr. */
  readonly photometric: number;
  readonly strips: readonly Buffer[];
  readonly rowsPerStrip?: number;
  readonly bigEndian?: boolean;
  /** Further or other entries: numbers of 16 bits. */
  readonly entries?: Readonly<Record<number, readonly number[]>>;
}

const SHORT = 3;
const LONG = 4;

export function tiffFile(file: TiffFile): Buffer {
  const { width, height, bits, photometric, strips, rowsPerStrip = height, bigEndian = false } = file;
  const data = Buffer.concat(strips);
  const entries = new Map<number, readonly [type: number, values: readonly number[]]>([
    [256, [SHORT, [width]]],
    [257, [SHORT, [height]]],
    [258, [SHORT, bits]],
    [259, [SHORT, [1]]],
    [262, [SHORT, [photometric]]],
    [273, [LONG, strips.map((_, i) => 8 + Buffer.concat(strips.slice(0, i)).length)]],
    [277, [SHORT, [bits.length]]],
    [278, [SHORT, [rowsPerStrip]]],
    [279, [LONG, strips.map((strip) => strip.length)]],
  ]);
  for (const [tag, values] of Object.entries(file.entries ?? {})) entries.set(Number(tag), [SHORT, values]);
  const sorted = [...entries].sort(([a], [b]) => a - b);
  const u16 = (value: number) => {
    const bytes = Buffer.alloc(2);
    if (bigEndian) bytes.writeUInt16BE(value);
    else bytes.writeUInt16LE(value);
    return bytes;
  };
  const u32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    if (bigEndian) bytes.writeUInt32BE(value);
    else bytes.writeUInt32LE(value);
    return bytes;
  };
  const padded = Buffer.concat([data, Buffer.alloc(data.length % 2)]);
  const directory = 8 + padded.length;
  let spill = directory + 2 + 12 * sorted.length + 4;
  const lists: Buffer[] = [];
  const rows = sorted.map(([tag, [type, values]]) => {
    const content = Buffer.concat(values.map(type === SHORT ? u16 : u32));
    const head = Buffer.concat([u16(tag), u16(type), u32(values.length)]);
    if (content.length <= 4) return Buffer.concat([head, content, Buffer.alloc(4 - content.length)]);
    lists.push(content);
    spill += content.length;
    return Buffer.concat([head, u32(spill - content.length)]);
  });
  return Buffer.concat([
    Buffer.from(bigEndian ? 'MM' : 'II'),
    u16(42),
    u32(directory),
    padded,
    u16(sorted.length),
    ...rows,
    u32(0),
    ...lists,
  ]);
}
