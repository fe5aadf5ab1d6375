import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import {
  assertRefused,
  assertSamePicture,
  type Pixels,
  photograph,
  useDecoder,
} from '../../../testing/images/images.ts';
import { exifSegment, findSegment, insertSegments, segment } from '../../../testing/images/jpeg-file.ts';

const decode = useDecoder();

/** `test/fixtures/wild`, seen from `dist/test/native/decode`. */
const FIXTURES = new URL('../../../../test/fixtures/wild/', import.meta.url);

function fixture(name: string): Promise<Buffer> {
  return readFile(fileURLToPath(new URL(name, FIXTURES)));
}

/** What sharp reads of a file, however damaged. */
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
