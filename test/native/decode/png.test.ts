import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import {
  asSharpSees,
  assertRefused,
  assertSamePicture,
  painted,
  photograph,
  transparentPhotograph,
  useDecoder,
} from '../../../testing/images/images.ts';
import { chunk, pngFile } from '../../../testing/images/png-file.ts';

const decode = useDecoder();

const SIDE = 65;

function greyRows(depth: number, valueAt: (x: number, y: number) => number): Buffer {
  const stride = 1 + Math.ceil((SIDE * depth) / 8);
  const rows = Buffer.alloc(stride * SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const at = y * stride + 1 + Math.floor((x * depth) / 8);
      if (depth === 16) rows.writeUInt16BE(valueAt(x, y), at);
      else rows[at] = (rows[at] ?? 0) | (valueAt(x, y) << (8 - depth - ((x * depth) % 8)));
    }
  }
  return rows;
}

describe('PNG', () => {
  test('reads every kind that sharp writes as sharp does', async () => {
    const transparent = await transparentPhotograph();
    const files = {
      rgb: await photograph().png().toBuffer(),
      'rgb, 16 bits': await photograph().toColourspace('rgb16').png().toBuffer(),
      'rgb, interlaced': await photograph().png({ progressive: true }).toBuffer(),
      grey: await photograph().greyscale().png().toBuffer(),
      'grey, 16 bits': await photograph().toColourspace('grey16').png().toBuffer(),
      palette: await photograph().png({ palette: true }).toBuffer(),
      'palette of four': await photograph().png({ palette: true, colours: 4 }).toBuffer(),
      'palette and alpha, interlaced': await transparent
        .clone()
        .png({ palette: true, progressive: true })
        .toBuffer(),
      rgba: await transparent.clone().png().toBuffer(),
      'rgba, 16 bits': await transparent.clone().toColourspace('rgb16').png().toBuffer(),
      'grey and alpha': await transparent.clone().greyscale().png().toBuffer(),
    };
    for (const [kind, file] of Object.entries(files)) {
      await assert.doesNotReject(async () => {
        assertSamePicture(await decode(file), await asSharpSees(file), 1);
      }, kind);
    }
  });

  for (const depth of [1, 2, 4, 8, 16]) {
    test(`spreads grey of ${depth} bits over 0 to 255, with one value transparent`, async () => {
      const most = 2 ** depth - 1;
      const value = (x: number) => Math.round((x * most) / (SIDE - 1));
      const rows = greyRows(depth, value);
      const file = { width: SIDE, height: SIDE, depth, colourType: 0, rows };
      const grey = (x: number) => Array<number>(3).fill(Math.round((value(x) * 255) / most));
      assertSamePicture(
        await decode(pngFile(file)),
        painted(SIDE, SIDE, (x) => grey(x)),
        0,
      );
      const black = [chunk('tRNS', Buffer.from([0, 0]))];
      // libpng makes white 254 where it reduces 16 bits.
      const holed = painted(SIDE, SIDE, (x) => (value(x) === 0 ? [255, 255, 255] : grey(x)));
      assertSamePicture(await decode(pngFile({ ...file, before: black })), holed, depth === 16 ? 1 : 0);
    });
  }

  test('applies no gamma', async () => {
    const rows = greyRows(8, (x) => x * 3);
    const file = { width: SIDE, height: SIDE, depth: 8, colourType: 0, rows };
    const gamma = [chunk('gAMA', Buffer.from([0, 1, 0x86, 0xa0])), chunk('tRNS', Buffer.from([0, 255]))];
    const picture = painted(SIDE, SIDE, (x) => [3 * x, 3 * x, 3 * x]);
    assertSamePicture(await decode(pngFile({ ...file, before: gamma })), picture, 0);
  });

  test('passes over text and profiles that unpack to many megabytes', async () => {
    const bomb = Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(1 << 24))]);
    const before = [chunk('iCCP', bomb), chunk('zTXt', bomb)];
    const rows = greyRows(8, (x) => x);
    const file = pngFile({ width: SIDE, height: SIDE, depth: 8, colourType: 0, rows, before });
    assertSamePicture(
      await decode(file),
      painted(SIDE, SIDE, (x) => [x, x, x]),
      0,
    );
  });

  test('takes no offence at a stream that goes on behind the last row', async () => {
    const rows = Buffer.concat([greyRows(8, (x) => x), Buffer.alloc(1 << 20)]);
    const file = pngFile({ width: SIDE, height: SIDE, depth: 8, colourType: 0, rows });
    assertSamePicture(
      await decode(file),
      painted(SIDE, SIDE, (x) => [x, x, x]),
      0,
    );
  });

  test('refuses rows that are missing although the file ends well', async () => {
    const rows = greyRows(8, (x) => x).subarray(0, 40 * (SIDE + 1));
    const file = pngFile({ width: SIDE, height: SIDE, depth: 8, colourType: 0, rows });
    await assertRefused(decode(file), 'INVALID_IMAGE', /cut short: 40 of 65 rows/);
  });

  test('refuses pixels whose chunk and all of whose data have a wrong checksum', async () => {
    const file = await photograph().png().toBuffer();
    for (const fromEnd of [20, 200]) {
      const flipped = Buffer.from(file);
      flipped[flipped.length - fromEnd] = (flipped[flipped.length - fromEnd] ?? 0) ^ 1;
      await assertRefused(decode(flipped), 'INVALID_IMAGE', /broken/);
    }
  });

  test('takes a wrong checksum or window of all data where the chunk has the right one', async () => {
    const rows = greyRows(8, (x) => x);
    const picture = painted(SIDE, SIDE, (x) => [x, x, x]);
    const file = pngFile({ width: SIDE, height: SIDE, depth: 8, colourType: 0, rows });
    const data = deflateSync(rows);
    const start = file.indexOf('IDAT') - 4;
    const head = file.subarray(0, start);
    const wrongSum = Buffer.from(data);
    wrongSum[data.length - 1] = (data[data.length - 1] ?? 0) ^ 1;
    const smallWindow = Buffer.from(data);
    smallWindow.set([0x08, 0x1d]);
    for (const stream of [wrongSum, smallWindow]) {
      const odd = Buffer.concat([head, chunk('IDAT', stream), chunk('IEND')]);
      assertSamePicture(await decode(odd), picture, 0);
    }
  });

  test('refuses a file whose header is not first', async () => {
    const file = await photograph().png().toBuffer();
    const other = Buffer.from(file);
    other.write('tEXt', 12, 'latin1');
    await assertRefused(decode(other), 'INVALID_IMAGE', /broken/);
  });
});
