/** Files that viewers open and a library refused or misread, made again from the reports. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { bmpFile, bmpRows } from './bmp-file.ts';
import { formatFile } from './format-files.ts';
import { gifFile } from './gif-file.ts';
import { box, codedTile, fullBox, type HeifFile, type HeifItem, heifFile, stillOf } from './heif-file.ts';
import {
  asSharpSees,
  type Decode,
  HEIGHT,
  type Pixels,
  painted,
  photograph,
  transparentPhotograph,
  WIDTH,
} from './images.ts';
import { exifBlock, exifSegment, findSegment, insertSegments, segment } from './jpeg-file.ts';
import { chunk, pngFile } from './png-file.ts';
import { type TiffFile, tiffFile } from './tiff-file.ts';

const FIXTURES = new URL('../../../test/fixtures/', import.meta.url);
const fixture = (name: string) => readFile(fileURLToPath(new URL(name, FIXTURES)));

export interface Report {
  readonly file: () => Promise<Buffer> | Buffer;
  /** The same image in a sound file, or its pixels; default: as sharp sees the file. */
  readonly like?: (decode: Decode) => Promise<Buffer | Pixels> | Buffer | Pixels;
  readonly tolerance?: number;
}
type Reports = Readonly<Record<string, Report>>;

const bytesOf = (text: string) => Buffer.from(text, 'latin1');

function jpeg(): Reports {
  const jpeg = () => photograph().jpeg({ quality: 90 }).toBuffer();
  const grey = () => photograph().greyscale().toColourspace('b-w').jpeg().toBuffer();
  const adobe = (transform: number) =>
    segment(0xee, Buffer.concat([bytesOf('Adobe'), Buffer.from([0, 100, 0, 0, 0, 0, transform])]));

  /** Quantisation tables of 16 bits (ITU-T T.81, B.2.4.1). */
  const withWideTables = (file: Buffer) => {
    const parts: Buffer[] = [file.subarray(0, 2)];
    for (let at = 2; file[at + 1] !== 0xda; ) {
      const length = file.readUInt16BE(at + 2);
      const content = file.subarray(at + 4, at + 2 + length);
      const tables: Buffer[] = [];
      for (let i = 0; file[at + 1] === 0xdb && i < content.length; i += 65) {
        const wide = [...content.subarray(i + 1, i + 65)].flatMap((value) => [0, value]);
        tables.push(Buffer.from([0x10 | (content[i] ?? 0), ...wide]));
      }
      parts.push(
        tables.length > 0 ? segment(0xdb, Buffer.concat(tables)) : file.subarray(at, at + 2 + length),
      );
      at += 2 + length;
      if (file[at + 1] === 0xda) parts.push(file.subarray(at));
    }
    return Buffer.concat(parts);
  };

  return {
    '8 bits a sample with tables of 16 bits (image-rs/jpeg-decoder#40)': {
      file: async () => withWideTables(await jpeg()),
      like: jpeg,
    },
    'grey with Adobe marker (etemesi254/zune-image#444)': {
      file: async () => insertSegments(await grey(), adobe(0)),
      like: grey,
    },
    'RGB with Adobe marker and identifiers 1 to 3 (mozilla/mozjpeg#267, CESNET/GPUJPEG#53)': {
      file: async () => {
        const file = Buffer.from(await fixture('decode/rgb.jpg'));
        const [frame, scan] = [findSegment(file, 0xc0), findSegment(file, 0xda)];
        for (let i = 0; i < 3; i++) {
          file[frame + 10 + 3 * i] = i + 1;
          file[scan + 5 + 2 * i] = i + 1;
        }
        return insertSegments(file, adobe(0));
      },
      like: () => fixture('decode/rgb.jpg'),
    },
    'a gain map behind the image (google/libultrahdr#54, #319)': {
      file: async () => {
        const file = await jpeg();
        const xmp = segment(0xe1, bytesOf('http://ns.adobe.com/xap/1.0/\0<?xpacket begin="\xef\xbb\xbf"?>'));
        const index = segment(0xe2, bytesOf('MPF\0MM\0*\0\0\0\b\0\0'));
        return Buffer.concat([insertSegments(file, xmp, index), await grey()]);
      },
      like: jpeg,
    },
    'a thumbnail in EXIF with markers of its own (libjpeg-turbo/libjpeg-turbo#591)': {
      file: async () => {
        const thumbnail = await photograph().resize(32, 32).jpeg().toBuffer();
        return insertSegments(await jpeg(), exifSegment(Buffer.concat([exifBlock(1, true), thumbnail])));
      },
      like: jpeg,
    },
  };
}

function png(): Reports {
  const png = () => photograph().png().toBuffer();
  const after = (file: Buffer, ...chunks: Buffer[]) =>
    Buffer.concat([file.subarray(0, 33), ...chunks, file.subarray(33)]);
  const rows = Buffer.concat(
    Array.from({ length: HEIGHT }, (_, y) =>
      Buffer.from([0, ...Array.from({ length: WIDTH }, (_, x) => (x + y) % 4)]),
    ),
  );
  const palette = Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9]);
  const indexed = (...more: Buffer[]) =>
    pngFile({
      width: WIDTH,
      height: HEIGHT,
      depth: 8,
      colourType: 3,
      rows,
      before: [chunk('PLTE', palette), ...more],
    });
  const split = (file: Buffer, ...sizes: number[]) => {
    const at = file.indexOf('IDAT') - 4;
    const length = file.readUInt32BE(at);
    const data = file.subarray(at + 8, at + 8 + length);
    const parts: Buffer[] = [];
    let from = 0;
    for (const size of [...sizes, data.length]) {
      parts.push(chunk('IDAT', data.subarray(from, from + size)));
      from += size;
    }
    return Buffer.concat([file.subarray(0, at), ...parts, file.subarray(at + 12 + length)]);
  };
  const withChecksum = (file: Buffer, value: number) => {
    const changed = Buffer.from(file);
    const at = changed.indexOf('IDAT') - 4;
    changed.writeUInt32BE(value, at + 8 + changed.readUInt32BE(at));
    return changed;
  };
  return {
    'a profile that does not inflate (python-pillow/Pillow#3319, dlemstra/Magick.NET#1785)': {
      file: async () => after(await png(), chunk('iCCP', bytesOf('ICC profile\0\0not zlib'))),
      like: png,
    },
    'a profile that is no profile': {
      file: async () =>
        after(
          await png(),
          chunk('iCCP', Buffer.concat([bytesOf('x\0\0'), deflateSync(Buffer.alloc(200, 7))])),
        ),
      like: png,
    },
    'empty chunks of pixels (etemesi254/zune-image#60)': {
      file: async () => split(await png(), 0, 1, 0, 5),
      like: png,
    },
    'more opacities than colours': {
      file: () => indexed(chunk('tRNS', Buffer.alloc(9, 255))),
      like: () => indexed(),
    },
    'significant bits of 0': {
      file: () => indexed(chunk('sBIT', Buffer.from([0, 0, 0]))),
      like: () => indexed(),
    },
    'a palette in an RGB image': { file: async () => after(await png(), chunk('PLTE', palette)), like: png },
    'no checksum of the pixels (libjxl/libjxl#2720, mozilla-mobile/fenix#18008)': {
      file: async () => withChecksum(await png(), 0),
      like: png,
    },
  };
}

function gif(): Reports {
  const colours = [
    [200, 10, 20],
    [5, 90, 250],
    [255, 255, 0],
  ] as const;
  const options = {
    screen: { width: WIDTH, height: HEIGHT },
    frame: { left: 0, top: 0, width: WIDTH, height: HEIGHT },
    palette: colours,
    indexAt: (x: number, y: number) => (x + y) % 3,
  };
  const picture = () => painted(WIDTH, HEIGHT, (x, y) => colours[(x + y) % 3] ?? []);
  const local = () => {
    const file = gifFile(options);
    const table = file.subarray(13, 13 + 3 * 128);
    const frame = Buffer.from(file.subarray(13 + 3 * 128, 13 + 3 * 128 + 10));
    frame[9] = 0x86;
    const head = Buffer.from(file.subarray(0, 13));
    head[10] = 0x76;
    return Buffer.concat([head, frame, table, file.subarray(13 + 3 * 128 + 10)]);
  };
  return {
    'a size of a global palette that is not there (AvaloniaUI/Avalonia.GIF#30, drewnoakes/metadata-extractor#254)':
      {
        file: local,
        like: picture,
      },
    'frames behind the first that are broken (deanm/omggif#13)': {
      file: () => Buffer.concat([gifFile(options).subarray(0, -1), Buffer.from([0, 0xc3, 0x61, 0])]),
      like: picture,
    },
    'a comment and a loop of wrong length before the frame': {
      file: () => {
        const file = gifFile(options);
        const at = 13 + 3 * 128;
        const loop = Buffer.concat([
          Buffer.from([0x21, 0xff, 11]),
          bytesOf('NETSCAPE2.0'),
          Buffer.from([1, 1, 0]),
        ]);
        return Buffer.concat([file.subarray(0, at), loop, Buffer.from([0x21, 0xfe, 0]), file.subarray(at)]);
      },
      like: picture,
    },
  };
}

function webp(): Reports {
  const webp = () => photograph().webp({ quality: 80 }).toBuffer();
  const turned = () => photograph().withMetadata({ orientation: 6 }).webp({ quality: 80 }).toBuffer();
  const riff = (file: Buffer) => {
    const whole = Buffer.from(file);
    whole.writeUInt32LE(whole.length - 8, 4);
    return whole;
  };
  const part = (name: string, content: Buffer) => {
    const head = Buffer.alloc(8);
    head.write(name, 'latin1');
    head.writeUInt32LE(content.length, 4);
    return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
  };
  return {
    'an unknown chunk at the end (image-rs/image#1947)': {
      file: async () => riff(Buffer.concat([await turned(), part('ABCD', bytesOf('hello'))])),
      like: turned,
    },
    'EXIF with a size beyond the file (SixLabors/ImageSharp#3010)': {
      file: async () => {
        const file = Buffer.from(await turned());
        file.writeUInt32LE(100_000, file.indexOf('EXIF') + 4);
        return file;
      },
      like: webp,
    },
    'EXIF behind a chunk of odd size (Comfy-Org/ComfyUI_frontend#8527)': {
      file: async () => {
        const file = await turned();
        const at = file.indexOf('EXIF');
        return riff(Buffer.concat([file.subarray(0, at), part('XMP ', bytesOf('<x/>.')), file.subarray(at)]));
      },
      like: turned,
    },
    'EXIF without opacity (golang/image#5, golang/go#60437)': { file: turned, tolerance: 1 },
    'an opacity with garbage behind it (image-rs/image#1874)': {
      file: async () => {
        const file = await (await transparentPhotograph()).webp({ quality: 80 }).toBuffer();
        const at = file.indexOf('ALPH');
        const length = file.readUInt32LE(at + 4);
        const alpha = file.subarray(at + 8, at + 8 + length);
        const rest = file.subarray(at + 8 + length + (length % 2));
        return riff(
          Buffer.concat([file.subarray(0, at), part('ALPH', Buffer.concat([alpha, Buffer.alloc(7)])), rest]),
        );
      },
      like: async () => (await transparentPhotograph()).webp({ quality: 80 }).toBuffer(),
    },
  };
}

function heif(): Reports {
  const side = 128;
  const tile = codedTile(photograph().resize(side, side, { fit: 'fill' }));
  const still = async () => stillOf(await tile, side, side);
  const plain = async () => heifFile({ items: [await still()] });
  const made = async (more: Omit<HeifFile, 'items'>, ...properties: Buffer[]) => {
    const item = await still();
    return heifFile({ items: [{ ...item, properties: [...item.properties, ...properties] }], ...more });
  };
  const clap = (...numbers: number[]) => {
    const content = Buffer.alloc(32);
    for (const [i, value] of numbers.entries()) content.writeInt32BE(value, 4 * i);
    return box('clap', content);
  };
  const empty = (type: string): HeifItem => ({ type, data: Buffer.from([0]), properties: [] });
  const irot = (turns: number) => box('irot', Buffer.from([turns]));
  const imir = (axis: number) => box('imir', Buffer.from([axis]));
  const raw = async () => sharp(await plain());
  const pixelsOf = async (image: Sharp) => asSharpSees(await image.png().toBuffer());
  return {
    'the pixels before their description (jdeng/goheif#17, imgproxy/imgproxy#585)': {
      file: () => made({ layout: 'data-first' }),
      like: plain,
    },
    'a description up to the end of the file (strukturag/libheif#1857)': {
      file: () => made({ layout: 'open' }),
      like: plain,
    },
    'the pixels within the description': { file: () => made({ layout: 'data-in-meta' }), like: plain },
    'no depth of the samples (LadybirdBrowser/ladybird#2270, AOMediaCodec/libavif#635, #2846)': {
      file: plain,
      tolerance: 2,
    },
    "a maker's box and groups in the description (strukturag/libheif#1010)": {
      file: () =>
        made({
          boxes: [
            box('uuid', Buffer.alloc(24, 0x21)),
            box('grpl', fullBox('altr', 0, Buffer.from([0, 0, 0, 9, 0, 0, 0, 0]))),
          ],
        }),
      like: plain,
    },
    'a tone map and an auxiliary image of two (strukturag/libheif#1190, #1448)': {
      file: async () => {
        const aux = fullBox('auxC', 0, bytesOf('urn:com:apple:photo:2020:aux:hdrgainmap\0'));
        const item = await still();
        return heifFile({
          items: [item, empty('tmap'), { ...item, properties: [...item.properties, aux] }],
          references: [
            ['dimg', 2, 1, 3],
            ['auxl', 3, 1, 2],
          ],
        });
      },
      like: plain,
    },
    'an EXIF orientation, which counts for nothing (libvips/libvips#2551, lovell/sharp#4384)': {
      file: async () => {
        const exif = {
          type: 'Exif',
          data: Buffer.concat([Buffer.alloc(4), exifBlock(6, true)]),
          properties: [],
        };
        return heifFile({ items: [await still(), exif], references: [['cdsc', 2, 1]] });
      },
      like: plain,
    },
    'an angle and an axis (monostream/tifig#12, lovell/sharp#2202)': {
      file: () => made({}, irot(1), imir(0)),
      like: async () => pixelsOf(sharp(await (await raw()).rotate(-90).png().toBuffer()).flip()),
      tolerance: 2,
    },
    'an axis and an angle': {
      file: () => made({}, imir(1), irot(3)),
      like: async () => pixelsOf(sharp(await (await raw()).flop().png().toBuffer()).rotate(90)),
      tolerance: 2,
    },
    'a crop, an angle and an axis': {
      file: () => made({}, clap(100, 1, 70, 1, 0, 1, 0, 1), irot(1), imir(1)),
      like: async () => {
        const part = (await raw()).extract({ left: 14, top: 29, width: 100, height: 70 });
        return pixelsOf(
          sharp(
            await sharp(await part.png().toBuffer())
              .rotate(-90)
              .png()
              .toBuffer(),
          ).flop(),
        );
      },
      tolerance: 2,
    },
    'tiles of an odd size, cut off by the image (strukturag/libheif#417)': {
      file: async () => {
        const odd = await codedTile(photograph());
        const item = stillOf(odd, WIDTH, HEIGHT);
        const grid = Buffer.from([0, 0, 1, 1, 0, 150, 0, 101]);
        const size = fullBox('ispe', 0, Buffer.from([0, 0, 0, 150, 0, 0, 0, 101]));
        return heifFile({
          items: [{ type: 'grid', data: grid, properties: [size] }, item, item, item, item],
          references: [['dimg', 1, 2, 3, 4, 5]],
        });
      },
      like: async (decode) => {
        const tilePixels = await decode(
          heifFile({ items: [stillOf(await codedTile(photograph()), WIDTH, HEIGHT)] }),
        );
        return painted(150, 101, (x, y) => {
          const at = 3 * ((y % HEIGHT) * WIDTH + (x % WIDTH));
          return [...tilePixels.pixels.subarray(at, at + 3)];
        });
      },
      tolerance: 2,
    },
  };
}

function jpeg2000(): Reports {
  const grey = () => formatFile('grey.jp2');
  const colour = () => formatFile('lossless.jp2');
  /** Replaces boxes of `jp2h`. */
  const withHeader = (file: Buffer, ...boxes: Buffer[]) => {
    const at = file.indexOf('jp2h') - 4;
    const ihdr = file.indexOf('ihdr') - 4;
    const rest = file.subarray(at + file.readUInt32BE(at));
    return Buffer.concat([file.subarray(0, at), box('jp2h', file.subarray(ihdr, ihdr + 22), ...boxes), rest]);
  };
  const enumerated = (space: number) => box('colr', Buffer.from([1, 0, 0, 0, 0, 0, space]));
  const srgb = async () =>
    (await sharp(await photograph().withIccProfile('srgb').png().toBuffer()).metadata()).icc;
  const cdef = (...order: number[]) => {
    const channels = order.flatMap((place, i) => [0, i, 0, 0, 0, place]);
    return box('cdef', Buffer.from([0, order.length, ...channels]));
  };
  return {
    'a palette (python-pillow/Pillow#7511, libvips/libvips#5027, uclouvain/openjpeg#2)': {
      file: () => {
        const entries = Array.from({ length: 256 }, (_, i) => [255 - i, i, (5 * i) % 256]).flat();
        const pclr = box('pclr', Buffer.from([1, 0, 3, 7, 7, 7, ...entries]));
        const cmap = box('cmap', Buffer.from([0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 2]));
        return withHeader(grey(), enumerated(16), pclr, cmap);
      },
      like: async (decode) => {
        const { width, height, pixels } = await decode(grey());
        return painted(width, height, (x, y) => {
          const index = pixels[3 * (y * width + x)] ?? 0;
          return [255 - index, index, (5 * index) % 256];
        });
      },
    },
    'a palette whose columns are mapped in another order': {
      file: () => {
        const entries = Array.from({ length: 256 }, (_, i) => [(5 * i) % 256, i, 255 - i]).flat();
        const pclr = box('pclr', Buffer.from([1, 0, 3, 7, 7, 7, ...entries]));
        const cmap = box('cmap', Buffer.from([0, 0, 1, 2, 0, 0, 1, 1, 0, 0, 1, 0]));
        return withHeader(grey(), enumerated(16), pclr, cmap);
      },
      like: async (decode) => {
        const { width, height, pixels } = await decode(grey());
        return painted(width, height, (x, y) => {
          const index = pixels[3 * (y * width + x)] ?? 0;
          return [255 - index, index, (5 * index) % 256];
        });
      },
    },
    'a profile in place of a colour space (python-pillow/Pillow#3556, #5629)': {
      file: async () =>
        withHeader(colour(), box('colr', Buffer.from([2, 0, 0]), (await srgb()) ?? Buffer.alloc(0))),
      like: colour,
    },
    'channels in another order (uclouvain/openjpeg#25)': {
      file: () => withHeader(colour(), enumerated(16), cdef(3, 2, 1)),
      like: async (decode) => {
        const { width, height, pixels } = await decode(colour());
        return painted(width, height, (x, y) => {
          const at = 3 * (y * width + x);
          return [...pixels.subarray(at, at + 3)].reverse();
        });
      },
    },
    'channels of coarser chroma (python-pillow/Pillow#5165, uclouvain/openjpeg#1335)': {
      file: () => fixture('wild/reported/chroma420.j2k'),
      like: () => fixture('wild/reported/chroma420.png'),
      tolerance: 1,
    },
  };
}

function tiff(): Reports {
  const rgb = () => photograph().raw().toBuffer();
  const greyRaw = () => photograph().greyscale().toColourspace('b-w').raw().toBuffer();
  const base = { width: WIDTH, height: HEIGHT, bits: [8, 8, 8], photometric: 2 } as const;
  const greyBase = { width: WIDTH, height: HEIGHT, bits: [8], photometric: 1 } as const;
  const like = async () => asSharpSees(await photograph().png().toBuffer());
  const likeGrey = async () => asSharpSees(await photograph().greyscale().png().toBuffer());
  const planes = async () => {
    const pixels = await rgb();
    return [0, 1, 2].map((c) => Buffer.from(pixels.filter((_, i) => i % 3 === c)));
  };
  const grey = async (more: Partial<TiffFile>, change: (value: number) => number[]) =>
    tiffFile({ ...greyBase, strips: [Buffer.from([...(await greyRaw())].flatMap(change))], ...more });
  return {
    'planes apart (image-rs/image-tiff#198, image-rs/image#1745, libvips/libvips#73)': {
      file: async () => tiffFile({ ...base, strips: await planes(), entries: { 284: [2] } }),
      like,
    },
    'big-endian': { file: async () => tiffFile({ ...base, strips: [await rgb()], bigEndian: true }), like },
    'planes of 16 bits apart, big-endian': {
      file: async () => {
        const strips = (await planes()).map((plane) =>
          Buffer.from([...plane].flatMap((value) => [value, value])),
        );
        return tiffFile({ ...base, bits: [16, 16, 16], strips, bigEndian: true, entries: { 284: [2] } });
      },
      like,
      tolerance: 1,
    },
    'white is zero (tlnagy/TiffImages.jl#133)': {
      file: () => grey({ photometric: 0 }, (value) => [255 - value]),
      like: likeGrey,
    },
    'bits of a byte in reverse order (python-pillow/Pillow#5249)': {
      file: () =>
        grey({ entries: { 266: [2] } }, (value) => [
          Number.parseInt([...value.toString(2).padStart(8, '0')].reverse().join(''), 2),
        ]),
      like: likeGrey,
    },
    'YCbCr in JPEG strips (quintusdias/glymur#597, python-pillow/Pillow#3227)': {
      file: () => photograph().tiff({ compression: 'jpeg', quality: 90 }).toBuffer(),
      tolerance: 2,
    },
    'a strip that states too few rows': {
      file: async () => {
        const pixels = await rgb();
        return tiffFile({ ...base, strips: [pixels], rowsPerStrip: 65_535 });
      },
      like,
    },
  };
}

function bmp(): Reports {
  const palette = Array.from({ length: 256 }, (_, i) => [i, 255 - i, (i * 7) % 256] as const);
  const size = { width: WIDTH, height: HEIGHT };
  const run = (count: number, value: number) => [count, value];
  /** Each row has one colour. */
  const picture = () => painted(WIDTH, HEIGHT, (_, y) => palette[HEIGHT - 1 - y] ?? []);
  const runs = (row: (y: number) => number[], end: readonly number[] = [0, 1]) =>
    bmpFile({
      ...size,
      bits: 8,
      compression: 1,
      palette,
      pixels: Buffer.from([...Array.from({ length: HEIGHT }, (_, y) => row(y)).flat(), ...end]),
    });
  const plain = () =>
    bmpFile({ ...size, bits: 24, pixels: bmpRows(WIDTH, HEIGHT, 24, (x, y) => (x << 16) | (y << 8) | 9) });
  return {
    'a run that passes the end of its row (image-rs/image#2917)': {
      file: () => runs((y) => [...run(WIDTH + 20, y), 0, 0]),
      like: picture,
    },
    'an end mark behind the last row (danoli3/FreeImage#60)': {
      file: () => runs((y) => [...run(WIDTH, y), 0, 0]),
      like: picture,
    },
    'no end mark': { file: () => runs((y) => [...run(WIDTH, y), 0, 0], []), like: picture },
    'rows from the top (ImageMagick/ImageMagick#8130, shaozilee/bmp-js#14)': {
      file: () =>
        bmpFile({ ...size, height: -HEIGHT, bits: 24, pixels: bmpRows(WIDTH, HEIGHT, 24, (x, y) => x * y) }),
      like: () => painted(WIDTH, HEIGHT, (x, y) => [(x * y) >> 16, ((x * y) >> 8) & 255, (x * y) & 255]),
    },
    'a wrong file size': {
      file: () => {
        const file = plain();
        file.writeUInt32LE(1, 2);
        return file;
      },
      like: plain,
    },
    'opacity of 0 everywhere': {
      file: () =>
        bmpFile({
          ...size,
          bits: 32,
          pixels: bmpRows(WIDTH, HEIGHT, 32, (x, y) => (x << 16) | (y << 8) | 9),
        }),
      like: plain,
    },
  };
}

/** By format, then by kind and reports. */
export const REPORTED: Readonly<Record<string, Reports>> = {
  JPEG: jpeg(),
  PNG: png(),
  GIF: gif(),
  WebP: webp(),
  HEIF: heif(),
  'JPEG 2000': jpeg2000(),
  TIFF: tiff(),
  BMP: bmp(),
};
