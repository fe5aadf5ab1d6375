export interface GifFile {
  readonly screen: { readonly width: number; readonly height: number };
  readonly frame: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  };
  /** Up to 128 of red, green, blue; none writes a file without a palette. */
  readonly palette: readonly (readonly number[])[];
  readonly transparent?: number;
  readonly interlaced?: boolean;
  /** Index of a pixel of the frame, 0..127. */
  readonly indexAt: (x: number, y: number) => number;
}

/** Codes of eight bits; a clear code comes before nine are needed. */
const CODE_SIZE = 7;
const CLEAR = 128;
const END = 129;
const PIXELS_A_TABLE = 120;

function rowOrder(height: number, interlaced: boolean): number[] {
  const rows = Array.from({ length: height }, (_, y) => y);
  if (!interlaced) return rows;
  return [
    ...rows.filter((y) => y % 8 === 0),
    ...rows.filter((y) => y % 8 === 4),
    ...rows.filter((y) => y % 4 === 2),
    ...rows.filter((y) => y % 2 === 1),
  ];
}

function u16(value: number): number[] {
  return [value & 255, value >> 8];
}

export function gifFile({
  screen,
  frame,
  palette,
  transparent,
  interlaced = false,
  indexAt,
}: GifFile): Buffer {
  const codes: number[] = [];
  let pixels = 0;
  for (const y of rowOrder(frame.height, interlaced)) {
    for (let x = 0; x < frame.width; x++) {
      if (pixels++ % PIXELS_A_TABLE === 0) codes.push(CLEAR);
      codes.push(indexAt(x, y));
    }
  }
  codes.push(END);
  const blocks: number[] = [];
  for (let i = 0; i < codes.length; i += 255) {
    const block = codes.slice(i, i + 255);
    blocks.push(block.length, ...block);
  }
  const colours = Array.from({ length: 128 }, (_, i) => palette[i] ?? [0, 0, 0]).flat();
  return Buffer.from([
    ...Buffer.from('GIF89a'),
    ...[...u16(screen.width), ...u16(screen.height), palette.length > 0 ? 0xf6 : 0x70, 0, 0],
    ...(palette.length > 0 ? colours : []),
    ...(transparent === undefined ? [] : [0x21, 0xf9, 4, 1, 0, 0, transparent, 0]),
    ...[0x2c, ...u16(frame.left), ...u16(frame.top), ...u16(frame.width), ...u16(frame.height)],
    ...[interlaced ? 0x40 : 0, CODE_SIZE, ...blocks, 0, 0x3b],
  ]);
}
