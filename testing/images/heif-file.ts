/** HEIF files (ISO/IEC 23008-12), made of AVIF files. */
import type { Sharp } from 'sharp';

const u8 = (...values: number[]) => Buffer.from(values);

function u16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, i) => {
    bytes.writeUInt16BE(value, 2 * i);
  });
  return bytes;
}

function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => {
    bytes.writeUInt32BE(value, 4 * i);
  });
  return bytes;
}

export function box(type: string, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([u32(body.length + 8), Buffer.from(type, 'latin1'), body]);
}

/** @param flags the version in the highest byte. */
export const fullBox = (type: string, flags: number, ...content: Buffer[]) =>
  box(type, u32(flags), ...content);

interface CodedTile {
  readonly configuration: Buffer;
  readonly data: Buffer;
}

/** The coded picture of an AVIF file. */
export async function codedTile(image: Sharp): Promise<CodedTile> {
  const file = await image.avif({ effort: 0, bitdepth: 8 }).toBuffer();
  const content = (type: string) => {
    const at = file.indexOf(type, 0, 'latin1');
    return file.subarray(at + 4, at - 4 + file.readUInt32BE(at - 4));
  };
  return { configuration: content('av1C'), data: content('mdat') };
}

export interface HeifItem {
  readonly type: string;
  readonly data: Buffer;
  readonly properties: readonly Buffer[];
}

export interface HeifFile {
  /** The first has the id 1 and is the primary one. */
  readonly items: readonly HeifItem[];
  readonly references?: readonly (readonly [type: string, from: number, ...to: number[]])[];
  /** `open` lets `meta` reach to the end of the file. */
  readonly layout?: 'meta-first' | 'data-first' | 'open' | 'data-in-meta';
  /** Further boxes of `meta`. */
  readonly boxes?: readonly Buffer[];
}

export function heifFile({ items, references = [], layout = 'meta-first', boxes = [] }: HeifFile): Buffer {
  const head = box('ftyp', Buffer.from('avif', 'latin1'), u32(0), Buffer.from('mif1avif', 'latin1'));
  const data = box('mdat', ...items.map((item) => item.data));
  const isInMeta = layout === 'data-in-meta';
  const shared = [...new Set(items.flatMap(({ properties }) => properties))];
  const meta = (start: number) => {
    let at = start;
    const places = items.map((item, i) => {
      const place = Buffer.concat([
        u16(i + 1),
        ...(isInMeta ? [u16(1)] : []),
        u16(0, 1),
        u32(at, item.data.length),
      ]);
      at += item.data.length;
      return place;
    });
    const names = items.map(({ type }, i) =>
      fullBox('infe', 0x0200_0000, u16(i + 1, 0), Buffer.from(`${type}\0`, 'latin1')),
    );
    const links = references.map(([type, from, ...to]) => box(type, u16(from, to.length, ...to)));
    const uses = items.map(({ properties }, i) =>
      Buffer.concat([
        u16(i + 1),
        u8(properties.length, ...properties.map((property) => shared.indexOf(property) + 1)),
      ]),
    );
    return fullBox(
      'meta',
      0,
      fullBox('hdlr', 0, u32(0), Buffer.from('pict', 'latin1'), u32(0, 0, 0), u8(0)),
      fullBox('pitm', 0, u16(1)),
      fullBox('iloc', isInMeta ? 0x0100_0000 : 0, u8(0x44, 0), u16(items.length), ...places),
      fullBox('iinf', 0, u16(items.length), ...names),
      ...(links.length > 0 ? [fullBox('iref', 0, ...links)] : []),
      box('iprp', box('ipco', ...shared), fullBox('ipma', 0, u32(items.length), ...uses)),
      ...(isInMeta ? [box('idat', ...items.map((item) => item.data))] : []),
      ...boxes,
    );
  };
  if (isInMeta) return Buffer.concat([head, meta(0)]);
  if (layout === 'meta-first') return Buffer.concat([head, meta(head.length + meta(0).length + 8), data]);
  const last = meta(head.length + 8);
  if (layout === 'open') last.writeUInt32BE(0, 0);
  return Buffer.concat([head, data, last]);
}

/** Properties of a coded picture. */
export function stillOf({ configuration, data }: CodedTile, width: number, height: number): HeifItem {
  return {
    type: 'av01',
    data,
    properties: [fullBox('ispe', 0, u32(width, height)), box('av1C', configuration)],
  };
}

export interface GridShape {
  readonly columns: number;
  readonly rows: number;
  readonly width: number;
  readonly height: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
}

/** A file whose image consists of tiles, row after row. */
export function gridFile(tiles: readonly CodedTile[], shape: GridShape): Buffer {
  const grid = Buffer.concat([u8(0, 1, shape.rows - 1, shape.columns - 1), u32(shape.width, shape.height)]);
  const [first] = tiles as [CodedTile];
  const { properties } = stillOf(first, shape.tileWidth, shape.tileHeight);
  const size = fullBox('ispe', 0, u32(shape.width, shape.height));
  return heifFile({
    items: [
      { type: 'grid', data: grid, properties: [size] },
      ...tiles.map(({ data }) => ({ type: 'av01', data, properties })),
    ],
    references: [['dimg', 1, ...tiles.map((_, i) => i + 2)]],
  });
}
