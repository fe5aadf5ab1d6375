/** HEIF files of tiles (ISO/IEC 23008-12), made of AVIF files. */
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

function box(type: string, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([u32(body.length + 8), Buffer.from(type, 'latin1'), body]);
}

/** @param flags the version in the highest byte. */
const fullBox = (type: string, flags: number, ...content: Buffer[]) => box(type, u32(flags), ...content);

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
  const [{ configuration }] = tiles as [CodedTile];
  const ids = tiles.map((_, i) => i + 2);
  const data = [grid, ...tiles.map((tile) => tile.data)];
  const meta = (start: number) => {
    let at = start;
    const places = data.map((item, i) => {
      const place = Buffer.concat([u16(i + 1, 0, 1), u32(at, item.length)]);
      at += item.length;
      return place;
    });
    const names = data.map((_, i) =>
      fullBox('infe', 0x0200_0000, u16(i + 1, 0), Buffer.from(i === 0 ? 'grid\0' : 'av01\0', 'latin1')),
    );
    const sizes = [
      fullBox('ispe', 0, u32(shape.width, shape.height)),
      fullBox('ispe', 0, u32(shape.tileWidth, shape.tileHeight)),
      box('av1C', configuration),
    ];
    const uses = data.map((_, i) => Buffer.concat([u16(i + 1), i === 0 ? u8(1, 1) : u8(2, 2, 3)]));
    return fullBox(
      'meta',
      0,
      fullBox('hdlr', 0, u32(0), Buffer.from('pict', 'latin1'), u32(0, 0, 0), u8(0)),
      fullBox('pitm', 0, u16(1)),
      fullBox('iloc', 0, u8(0x44, 0), u16(data.length), ...places),
      fullBox('iinf', 0, u16(data.length), ...names),
      fullBox('iref', 0, box('dimg', u16(1, ids.length, ...ids))),
      box('iprp', box('ipco', ...sizes), fullBox('ipma', 0, u32(data.length), ...uses)),
    );
  };
  const head = box('ftyp', Buffer.from('avif', 'latin1'), u32(0), Buffer.from('mif1avif', 'latin1'));
  const start = head.length + meta(0).length + 8;
  return Buffer.concat([head, meta(start), box('mdat', ...data)]);
}
