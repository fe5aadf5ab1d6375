import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { type GifFile, gifFile } from '../../../testing/images/gif-file.ts';
import {
  asSharpSees,
  assertRefused,
  assertSamePicture,
  painted,
  photograph,
  transparentPhotograph,
  useDecoder,
} from '../../../testing/images/images.ts';

const decode = useDecoder();

const PALETTE = Array.from({ length: 128 }, (_, i) => [i, 2 * i, 255 - i] as const);
const SCREEN = { width: 80, height: 70 };
const PART: GifFile = {
  screen: SCREEN,
  frame: { left: 7, top: 5, width: 64, height: 61 },
  palette: PALETTE,
  indexAt: (x, y) => (x + 2 * y) % 128,
};

function picture(transparent?: number) {
  return painted(SCREEN.width, SCREEN.height, (x, y) => {
    const { left, top, width, height } = PART.frame;
    const inside = x >= left && x < left + width && y >= top && y < top + height;
    const index = PART.indexAt(x - left, y - top);
    return inside && index !== transparent ? (PALETTE[index] ?? []) : [255, 255, 255];
  });
}

describe('GIF', () => {
  test('reads what sharp writes', async () => {
    const files = [
      await photograph().gif().toBuffer(),
      await photograph().gif({ progressive: true }).toBuffer(),
      await (await transparentPhotograph()).gif().toBuffer(),
    ];
    for (const file of files) assertSamePicture(await decode(file), await asSharpSees(file), 0);
  });

  test('lays a frame that is smaller than the screen on white', async () => {
    assertSamePicture(await decode(gifFile(PART)), picture(), 0);
  });

  test('puts the rows of an interlaced frame in their places', async () => {
    assertSamePicture(await decode(gifFile({ ...PART, interlaced: true })), picture(), 0);
  });

  test('shows white through a transparent colour', async () => {
    assertSamePicture(await decode(gifFile({ ...PART, transparent: 9 })), picture(9), 0);
  });

  test('widens the screen to a frame that reaches over it', async () => {
    const frame = { left: 0, top: 0, width: 90, height: 80 };
    const file = gifFile({ ...PART, frame });
    const whole = painted(90, 80, (x, y) => PALETTE[PART.indexAt(x, y)] ?? []);
    assertSamePicture(await decode(file), whole, 0);
  });

  test('reads the first of several frames and nothing behind it', async () => {
    const one = gifFile(PART);
    const second = one.subarray(one.indexOf(0x2c, 13 + 3 * 128), -1);
    const file = Buffer.concat([one.subarray(0, -1), second, second.subarray(0, 20)]);
    assertSamePicture(await decode(file), picture(), 0);
  });

  test('reads an empty frame as one of the whole screen', async () => {
    const file = gifFile({ ...PART, frame: { left: 0, top: 0, ...SCREEN } });
    const frame = file.indexOf(0x2c, 13 + 3 * 128);
    const empty = Buffer.from(file);
    empty.fill(0, frame + 5, frame + 9);
    assertSamePicture(await decode(empty), await decode(file), 0);
  });

  test('reads codes of every width, and a table that is full', async () => {
    const noise = sharp(randomBytes(400 * 300 * 3), { raw: { width: 400, height: 300, channels: 3 } });
    for (const colours of [2, 4, 16, 256]) {
      const file = await noise.clone().gif({ colours, dither: 0 }).toBuffer();
      assertSamePicture(await decode(file), await asSharpSees(file), 0);
    }
  });

  test('refuses a file without palette or without frame', async () => {
    await assertRefused(decode(gifFile({ ...PART, palette: [] })), 'INVALID_IMAGE', /palette/);
    const whole = gifFile(PART);
    const frameless = Buffer.concat([whole.subarray(0, 13 + 3 * 128), Buffer.from([0x3b])]);
    await assertRefused(decode(frameless), 'INVALID_IMAGE', /contains no image/);
  });
});
