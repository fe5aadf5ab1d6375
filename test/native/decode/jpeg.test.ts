import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import {
  asSharpSees,
  assertRefused,
  assertSamePicture,
  colourAt,
  type Pixels,
  photograph,
  useDecoder,
} from '../../../testing/images/images.ts';
import { findSegment, insertSegments, segment, withEmptyScans } from '../../../testing/images/jpeg-file.ts';

const decode = useDecoder();

const FIXTURES = new URL('../../../../test/fixtures/decode/', import.meta.url);

function meanDifference(a: Pixels, b: Pixels): number {
  return a.pixels.reduce((sum, value, i) => sum + Math.abs(value - (b.pixels[i] ?? 0)), 0) / a.pixels.length;
}

/** An ICC profile whose pixels pass one matrix many times. */
function profileOfElements(count: number): Buffer {
  const matrix = Buffer.alloc(60);
  matrix.write('matf');
  matrix.writeUInt32BE(0x30003, 8);
  for (let i = 0; i < 9; i++) matrix.writeFloatBE(i % 4 === 0 ? 0.9 : 0.03, 12 + 4 * i);
  const table = Buffer.alloc(16 + 8 * count);
  table.write('mpet');
  table.writeUInt32BE(0x30003, 8);
  table.writeUInt32BE(count, 12);
  for (let i = 0; i < count; i++) {
    table.writeUInt32BE(table.length, 16 + 8 * i);
    table.writeUInt32BE(matrix.length, 20 + 8 * i);
  }
  const head = Buffer.alloc(144);
  head.writeUInt32BE(head.length + table.length + matrix.length, 0);
  head.writeUInt32BE(0x04300000, 8);
  head.write('scnrRGB XYZ ', 12);
  head.write('acsp', 36);
  head.writeUInt32BE(1, 128);
  head.write('D2B0', 132);
  head.writeUInt32BE(head.length, 136);
  head.writeUInt32BE(table.length + matrix.length, 140);
  return Buffer.concat([head, table, matrix]);
}

describe('JPEG', () => {
  test('reads baseline, progressive, grey and full-colour-resolution files as sharp does', async () => {
    const files = [
      await photograph().jpeg().toBuffer(),
      await photograph().jpeg({ progressive: true }).toBuffer(),
      await photograph().greyscale().jpeg().toBuffer(),
      await photograph().jpeg({ chromaSubsampling: '4:4:4' }).toBuffer(),
    ];
    for (const file of files) assertSamePicture(await decode(file), await asSharpSees(file), 2);
  });

  const inverted = [255, 255, 255, 0, 255, 255, 255, 55, 155, 127, 107, 87];
  for (const [name, expected] of [
    ['ycck-adobe.jpg', inverted],
    ['cmyk-adobe.jpg', inverted],
    ['cmyk-plain.jpg', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 40]],
  ] as const) {
    test(`turns the inks of ${name} into light`, async () => {
      const picture = await decode(await readFile(fileURLToPath(new URL(name, FIXTURES))));
      const actual = [12, 36, 60, 84].flatMap((x) => colourAt(picture, x, 32));
      for (const [i, value] of expected.entries()) {
        assert.ok(Math.abs(value - (actual[i] ?? 0)) <= 3, `${actual} is not near ${expected}`);
      }
    });
  }

  for (const name of [
    '410.jpg',
    '411.jpg',
    '440.jpg',
    '441.jpg',
    'luma-subsampled.jpg',
    'arithmetic.jpg',
    'arithmetic-progressive.jpg',
    'restarts.jpg',
    'three-scans.jpg',
    'rgb.jpg',
  ]) {
    test(`reads ${name} as sharp does`, async () => {
      const file = await readFile(fileURLToPath(new URL(name, FIXTURES)));
      assertSamePicture(await decode(file), await asSharpSees(file), 1);
    });
  }

  test('converts inks by their profile', async () => {
    const inks = photograph().toColourspace('cmyk').withIccProfile('cmyk');
    for (const file of [await inks.clone().jpeg().toBuffer(), await inks.clone().tiff().toBuffer()]) {
      assert.ok(meanDifference(await decode(file), await asSharpSees(file)) < 5);
    }
  });

  test('leaves out the multi-process elements of a profile, which may cost minutes', async () => {
    const file = await photograph().jpeg().toBuffer();
    const expected = await decode(file);
    for (const elements of [4, 5000]) {
      const icc = Buffer.concat([
        Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'),
        profileOfElements(elements),
      ]);
      assertSamePicture(await decode(insertSegments(file, segment(0xe2, icc))), expected, 0);
    }
  });

  test('reads a CMYK photograph without a profile near to what one makes of it', async () => {
    const file = await photograph().toColourspace('cmyk').jpeg().toBuffer();
    const actual = await decode(file);
    const expected = await asSharpSees(file);
    assert.ok(meanDifference(actual, expected) < 20);
  });

  test('passes over junk behind the end', async () => {
    const file = await photograph().jpeg().toBuffer();
    const expected = await decode(file);
    assertSamePicture(await decode(Buffer.concat([file, Buffer.alloc(1000, 0xff)])), expected, 0);
  });

  test('reads a file of many metadata segments', async () => {
    const file = await photograph().jpeg().toBuffer();
    const metadata = Array.from({ length: 50 }, (_, i) => segment(0xe1 + (i % 12), Buffer.alloc(60_000, i)));
    assertSamePicture(await decode(insertSegments(file, ...metadata)), await decode(file), 0);
  });

  test('reads 100 scans and refuses 101', async () => {
    const file = await photograph().jpeg({ progressive: true }).toBuffer();
    await decode(withEmptyScans(file, 100));
    await assertRefused(decode(withEmptyScans(file, 101)), 'INVALID_IMAGE', /more than 100 scans/);
  });

  test('reads 16 scans of the largest image and refuses 17, by its markers alone', async () => {
    const largest = sharp({ create: { width: 8000, height: 5000, channels: 3, background: 'teal' } });
    const file = await largest.jpeg({ progressive: true }).toBuffer();
    const { width } = await decode(withEmptyScans(file, 16));
    assert.equal(width, 8000);
    const tooMany = withEmptyScans(file, 17);
    const refusal = /17 scans; at 8000 x 5000 pixels at most 16/;
    await assertRefused(decode(tooMany), 'IMAGE_TOO_LARGE', refusal);
    const last = tooMany.lastIndexOf(Buffer.from([0xff, 0xda]));
    tooMany.fill(0, last + 4, last + 10);
    await assertRefused(decode(tooMany), 'IMAGE_TOO_LARGE', refusal);
  });

  test('does not take what stands in metadata or between coded bytes for scans', async () => {
    const file = await photograph().jpeg({ progressive: true }).toBuffer();
    const thumbnails = segment(0xe1, Buffer.alloc(60_000, Buffer.from([0xff, 0xda])));
    const fills = Buffer.concat([file.subarray(0, 2), Buffer.alloc(1000, 0xff), file.subarray(2)]);
    assertSamePicture(await decode(insertSegments(file, thumbnails)), await decode(file), 0);
    assertSamePicture(await decode(fills), await decode(file), 0);
  });

  for (const [name, options] of [
    ['libjpeg-turbo', { progressive: true, chromaSubsampling: '4:4:4' }],
    ['MozJPEG', { mozjpeg: true }],
  ] as const) {
    test(`reads the largest progressive image that ${name} writes`, async () => {
      const noise = await photograph().resize(8192, 4882, { fit: 'fill' }).jpeg(options).toBuffer();
      assert.equal((await decode(noise)).height, 4882);
    });
  }

  test('refuses 12 bits a sample and lossless coding as not supported', async () => {
    const twelve = await photograph().jpeg().toBuffer();
    twelve[findSegment(twelve, 0xc0) + 4] = 12;
    await assertRefused(decode(twelve), 'UNSUPPORTED_IMAGE', /8 bits/);
    const lossless = await photograph().jpeg().toBuffer();
    lossless[findSegment(lossless, 0xc0) + 1] = 0xc3;
    await assertRefused(decode(lossless), 'UNSUPPORTED_IMAGE');
  });

  test('refuses a file whose tables are missing', async () => {
    const file = await photograph().jpeg().toBuffer();
    const tables = findSegment(file, 0xdb);
    const without = Buffer.concat([file.subarray(0, tables), file.subarray(findSegment(file, 0xc0))]);
    await assertRefused(decode(without), 'INVALID_IMAGE', /broken/);
  });
});
