import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { gifFile } from '../../../testing/images/gif-file.ts';
import {
  assertRefused,
  assertSamePicture,
  type Pixels,
  painted,
  photograph,
  useDecoder,
} from '../../../testing/images/images.ts';
import { exifSegment, findSegment, insertSegments, segment } from '../../../testing/images/jpeg-file.ts';
import { chunk } from '../../../testing/images/png-file.ts';

const decode = useDecoder();

const FIXTURES = new URL('../../../../test/fixtures/wild/', import.meta.url);

function fixture(name: string): Promise<Buffer> {
  return readFile(fileURLToPath(new URL(name, FIXTURES)));
}

async function asSharpReads(file: Uint8Array): Promise<Pixels> {
  const { data, info } = await sharp(file, { failOn: 'none' })
    .rotate()
    .flatten({ background: 'white' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixels: data };
}

describe('a file from the wild', () => {
  for (const [name, reference] of [
    ['jpeg-without-end/no-eoi.jpg', 'jpeg-without-end/reference.jpg'],
    ['jpeg-without-end/dahua-dhav-tail.jpg', 'jpeg-without-end/reference.jpg'],
    ['png-without-end/no-iend.png', 'png-without-end/reference.png'],
    ['png-without-end/no-adler.png', 'png-without-end/reference.png'],
    ['exif-orientation-long/long.jpg', 'exif-orientation-long/reference-short.jpg'],
    ['cmyk-without-adobe/no-app14.jpg', 'cmyk-without-adobe/reference-app14.jpg'],
  ] as const) {
    test(`reads ${name} as its reference`, async () => {
      const picture = await decode(await fixture(name));
      assertSamePicture(picture, await decode(await fixture(reference)), 0);
      if (!name.startsWith('cmyk')) assertSamePicture(picture, await asSharpReads(await fixture(name)), 0);
    });
  }

  test('reads a GIF whose last data block is followed by the trailer, by nothing, or by other data', async () => {
    const file = await fixture('gif-without-end/reference.gif');
    const expected = await asSharpReads(file);
    const open = file.subarray(0, -2);
    for (const end of [[0x3b], [], [0, 0x2c, 1, 2, 3], [0x44, 0x48, 0x41, 0x56]]) {
      assertSamePicture(await decode(Buffer.concat([open, Buffer.from(end)])), expected, 0);
    }
  });

  test('reads a progressive JPEG without end marker whose scans are complete', async () => {
    const file = await photograph().jpeg({ progressive: true }).toBuffer();
    for (const tail of ['', 'dhav\x10\0\0\0']) {
      const open = Buffer.concat([file.subarray(0, -2), Buffer.from(tail, 'latin1')]);
      assertSamePicture(await decode(open), await decode(file), 0);
    }
    const lastScan = file.lastIndexOf(Buffer.from([0xff, 0xda]));
    await assertRefused(decode(file.subarray(0, lastScan)), 'INVALID_IMAGE', /cut short: scans are missing/);
  });

  test('refuses a JPEG that lacks rows, whatever follows them, and says how many are there', async () => {
    const file = await fixture('jpeg-without-end/reference.jpg');
    const half = file.subarray(0, file.length / 2);
    for (const tail of [[], [0xff], [0xff, 0xd9], [0xff, 0xd9, 1, 2, 3]]) {
      const cut = Buffer.concat([half, Buffer.from(tail)]);
      await assertRefused(decode(cut), 'INVALID_IMAGE', /cut short: 1[0-9]{2} of 300 rows are there\.$/);
    }
    const taller = Buffer.from(file);
    taller.writeUInt16BE(400, findSegment(taller, 0xc0) + 5);
    await assertRefused(decode(taller), 'INVALID_IMAGE', /cut short: 304 of 400 rows/);
  });

  test('refuses a JPEG that lost pixels between two restart markers, and says where', async () => {
    const file = await readFile(fileURLToPath(new URL('../decode/restarts.jpg', FIXTURES)));
    const second = file.indexOf(Buffer.from([0xff, 0xd1]));
    const third = file.indexOf(Buffer.from([0xff, 0xd2]));
    for (const [from, to] of [
      [second - 6, second],
      [second, third],
    ] as const) {
      const holed = Buffer.concat([file.subarray(0, from), file.subarray(to)]);
      await assertRefused(decode(holed), 'INVALID_IMAGE', /pixels are missing behind row (16|32)\.$/);
    }
  });

  test('refuses a JPEG without a scan of each component', async () => {
    const file = await readFile(fileURLToPath(new URL('../decode/three-scans.jpg', FIXTURES)));
    const last = file.lastIndexOf(Buffer.from([0xff, 0xda]));
    const two = Buffer.concat([file.subarray(0, last), Buffer.from([0xff, 0xd9])]);
    await assertRefused(decode(two), 'INVALID_IMAGE', /scans are missing/);
  });

  test('refuses a PNG, GIF, WebP or BMP that lacks rows, and says how many are there', async () => {
    const image = photograph().resize(200, 200, { fit: 'fill' });
    const files = [
      await image.clone().png().toBuffer(),
      await image.clone().png({ progressive: true }).toBuffer(),
      await image.clone().gif().toBuffer(),
      await image.clone().webp().toBuffer(),
      await image.clone().webp({ lossless: true }).toBuffer(),
    ];
    for (const file of files) {
      const cut = file.subarray(0, file.length * 0.6);
      await assertRefused(decode(cut), 'INVALID_IMAGE', /cut short: \d{1,3} of 200 rows are there\.$/);
    }
  });

  test('reads a WebP whose RIFF header states more bytes than the file has', async () => {
    const file = await photograph().webp().toBuffer();
    const longer = Buffer.from(file);
    longer.writeUInt32LE(file.length + 1000, 4);
    assertSamePicture(await decode(longer), await decode(file), 0);
  });

  for (const littleEndian of [true, false]) {
    const order = littleEndian ? 'little-endian' : 'big-endian';
    for (const [type, number] of [
      ['BYTE', 1],
      ['SHORT', 3],
      ['LONG', 4],
      ['SBYTE', 6],
      ['SSHORT', 8],
      ['SLONG', 9],
    ] as const) {
      test(`turns a picture by an orientation of type ${type}, ${order}, as sharp does`, async () => {
        const block = orientationEntry(6, number, littleEndian);
        const file = insertSegments(await photograph().jpeg().toBuffer(), exifSegment(block));
        assertSamePicture(await decode(file), await asSharpReads(file), 1);
      });
    }
  }

  test('finds the orientation behind an empty EXIF segment, and behind an odd prefix', async () => {
    const file = await photograph().jpeg().toBuffer();
    const block = orientationEntry(6, 3, true);
    const turned = await decode(insertSegments(file, exifSegment(block)));
    const empty = segment(0xe1, Buffer.from('Exif\0\0'));
    const odd = segment(0xe1, Buffer.concat([Buffer.from('Exif\0\xff', 'latin1'), block]));
    assert.equal(turned.width < turned.height, true);
    assertSamePicture(await decode(insertSegments(file, empty, exifSegment(block))), turned, 0);
    assertSamePicture(await decode(insertSegments(file, odd)), turned, 0);
  });
});

describe('a reported JPEG is read as its sound file:', () => {
  const restarts = () => readFile(fileURLToPath(new URL('../decode/restarts.jpg', FIXTURES)));
  const before = (file: Buffer, marker: readonly number[], bytes: Buffer) => {
    const at = file.lastIndexOf(Buffer.from(marker));
    return Buffer.concat([file.subarray(0, at), bytes, file.subarray(at)]);
  };
  const changes: Readonly<Record<string, (file: Buffer) => Buffer>> = {
    'a scan of the wrong band (lovell/sharp#1578, openinary#136)': (file) => {
      const changed = Buffer.from(file);
      changed[findSegment(changed, 0xda) + 12] = 0;
      return changed;
    },
    'bytes behind the scan (image-rs/jpeg-decoder#43)': (file) =>
      before(file, [0xff, 0xd9], Buffer.from([1, 2])),
    'stuffed bytes behind the scan (image-rs/jpeg-decoder#228)': (file) =>
      before(file, [0xff, 0xd9], Buffer.from([0xff, 0, 0xff, 0])),
    'a restart marker behind the scan (nothings/stb#1298)': (file) =>
      before(file, [0xff, 0xd9], Buffer.from([0xff, 0xd0])),
    'an unknown marker behind the scan (nothings/stb#1182)': (file) =>
      before(file, [0xff, 0xd9], Buffer.from([0xff, 0xf3, 0, 4, 1, 2])),
    'padding before restart markers (nothings/stb#952, image-rs/jpeg-decoder#100)': (file) => {
      const at = file.indexOf(Buffer.from([0xff, 0xd0]));
      return Buffer.concat([file.subarray(0, at), Buffer.alloc(2047), file.subarray(at)]);
    },
    'an empty table (SixLabors/ImageSharp#624)': (file) =>
      insertSegments(file, segment(0xc4, Buffer.alloc(0))),
    'fill bytes before a marker (etemesi254/zune-image#261)': (file) =>
      before(file, [0xff, 0xc0], Buffer.alloc(50, 0xff)),
    'no JFIF segment (SixLabors/ImageSharp#1207)': (file) =>
      Buffer.concat([file.subarray(0, 2), file.subarray(findSegment(file, 0xe0) + 18)]),
    'another JPEG behind it (MPO)': (file) => Buffer.concat([file, file]),
    'a ZIP archive behind it (motion photos)': (file) =>
      Buffer.concat([file, Buffer.from('PK\x03\x04'), Buffer.alloc(500)]),
  };
  for (const [kind, change] of Object.entries(changes)) {
    test(kind, async () => {
      const file = await restarts();
      const changed = change(file);
      assert.notDeepEqual(changed, file);
      assertSamePicture(await decode(changed), await decode(file), 0);
      assertSamePicture(await decode(changed), await asSharpReads(changed), 1);
    });
  }
});

describe('a reported PNG is read as its sound file:', () => {
  const plain = () => photograph().png().toBuffer();
  const IHDR_END = 33;
  const insert = (file: Buffer, ...chunks: Buffer[]) =>
    Buffer.concat([file.subarray(0, IHDR_END), ...chunks, file.subarray(IHDR_END)]);
  const broken = (bytes: Buffer) => {
    const copy = Buffer.from(bytes);
    copy[copy.length - 1] = (copy[copy.length - 1] ?? 0) ^ 1;
    return copy;
  };
  const changes: Readonly<Record<string, (file: Buffer) => Buffer>> = {
    'wrong checksum of a profile (python-pillow/Pillow#5631)': (file) =>
      insert(file, broken(chunk('iCCP', Buffer.from('a\0\0x')))),
    'wrong checksum of a size in metres (python-pillow/Pillow#5978)': (file) =>
      insert(file, broken(chunk('pHYs', Buffer.alloc(9)))),
    'wrong checksum of a text (python-pillow/Pillow#1991)': (file) =>
      insert(file, broken(chunk('iTXt', Buffer.from('a\0\0\0\0\0b')))),
    'wrong checksum of the end': (file) => Buffer.concat([file.subarray(0, -12), broken(chunk('IEND'))]),
    'other data behind the end': (file) => Buffer.concat([file, Buffer.alloc(1000, 65)]),
    'an animation of which it is the first frame (APNG)': (file) =>
      insert(file, chunk('acTL', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]))),
  };
  for (const [kind, change] of Object.entries(changes)) {
    test(kind, async () => {
      const file = await plain();
      assertSamePicture(await decode(change(file)), await decode(file), 0);
    });
  }
});

describe('a reported GIF is read as its pixels are:', () => {
  const side = 80;
  const palette = Array.from({ length: 128 }, (_, i) => [i, 2 * i, 255 - i] as const);
  const noise = Array.from({ length: side * side }, (_, i) => ((i * 2654435761) >>> 11) % 128);
  const write = (options: LzwOptions, pixels: readonly number[] = noise) => {
    const whole = gifFile({
      screen: { width: side, height: side },
      frame: { left: 0, top: 0, width: side, height: side },
      palette,
      indexAt: () => 0,
    });
    const data = whole.indexOf(0x2c, 13 + 3 * 128) + 10;
    return Buffer.concat([whole.subarray(0, data), lzwData(pixels, options), Buffer.from([0x3b])]);
  };
  const picture = (pixels: readonly number[]) =>
    painted(side, side, (x, y) => palette[pixels[y * side + x] ?? 0] ?? []);

  for (const [kind, options] of [
    ['a table that stays full (saitoha/libsixel#63, zigimg/zigimg#329)', { codeSize: 7, clears: false }],
    ['no code that clears the table (XamlAnimatedGif#190)', { codeSize: 7, opens: false }],
    ['codes wider than the palette needs', { codeSize: 8 }],
    ['no code that ends the data', { codeSize: 7, closes: false }],
    ['a table that is cleared when full', { codeSize: 7 }],
  ] as const) {
    test(kind, async () => {
      const file = write(options);
      assertSamePicture(await decode(file), picture(noise), 0);
      assertSamePicture(await decode(file), await asSharpReads(file), 0);
    });
  }

  test('pixels behind the last row', async () => {
    assertSamePicture(await decode(write({ codeSize: 7 }, [...noise, ...noise])), picture(noise), 0);
  });
});

test('A WebP with an unknown chunk before its EXIF is turned (image-rs/image-webp#73)', async () => {
  const turned = await photograph().withMetadata({ orientation: 6 }).webp().toBuffer();
  const at = turned.indexOf('EXIF');
  const unknown = Buffer.concat([Buffer.from('PSAI\x04\0\0\0'), Buffer.from('8BIM')]);
  const file = Buffer.concat([turned.subarray(0, at), unknown, turned.subarray(at)]);
  file.writeUInt32LE(file.length - 8, 4);
  assertSamePicture(await decode(file), await decode(turned), 0);
});

interface LzwOptions {
  readonly codeSize: number;
  readonly opens?: boolean;
  readonly clears?: boolean;
  readonly closes?: boolean;
}

/** GIF's code size and data blocks (GIF89a, appendix F). */
function lzwData(
  pixels: readonly number[],
  { codeSize, opens = true, clears = true, closes = true }: LzwOptions,
): Buffer {
  const clear = 1 << codeSize;
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  let width = codeSize + 1;
  let next = clear + 2;
  let table = new Map<string, number>();
  const put = (code: number) => {
    bits |= code << count;
    for (count += width; count >= 8; count -= 8, bits >>>= 8) bytes.push(bits & 255);
  };
  if (opens) put(clear);
  let text = '';
  const codeOf = (key: string) => (key.includes(',') ? table.get(key) : Number(key)) ?? -1;
  for (const pixel of pixels) {
    const longer = text === '' ? `${pixel}` : `${text},${pixel}`;
    if (codeOf(longer) >= 0) {
      text = longer;
      continue;
    }
    put(codeOf(text));
    if (next < 4096) {
      table.set(longer, next++);
      if (next > 1 << width && width < 12) width++;
    } else if (clears) {
      put(clear);
      table = new Map();
      next = clear + 2;
      width = codeSize + 1;
    }
    text = `${pixel}`;
  }
  put(codeOf(text));
  if (closes) {
    if (next === 1 << width && width < 12) width++;
    put(clear + 1);
  }
  if (count > 0) bytes.push(bits & 255);
  const blocks: number[] = [codeSize];
  for (let i = 0; i < bytes.length; i += 255) {
    const block = bytes.slice(i, i + 255);
    blocks.push(block.length, ...block);
  }
  return Buffer.from([...blocks, 0]);
}

/** A TIFF block whose only entry is the orientation. @param type of TIFF 6.0. */
function orientationEntry(orientation: number, type: number, littleEndian: boolean): Buffer {
  const block = Buffer.alloc(26);
  block.write(littleEndian ? 'II' : 'MM');
  const u16 = (value: number, at: number) =>
    littleEndian ? block.writeUInt16LE(value, at) : block.writeUInt16BE(value, at);
  const u32 = (value: number, at: number) =>
    littleEndian ? block.writeUInt32LE(value, at) : block.writeUInt32BE(value, at);
  u16(42, 2);
  u32(8, 4);
  u16(1, 8);
  u16(0x0112, 10);
  u16(type, 12);
  u32(1, 14);
  if (type === 1 || type === 6) block[18] = orientation;
  else if (type === 3 || type === 8) u16(orientation, 18);
  else u32(orientation, 18);
  return block;
}
