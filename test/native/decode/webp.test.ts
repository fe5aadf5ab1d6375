import { describe, test } from 'node:test';
import sharp from 'sharp';
import {
  asSharpSees,
  assertRefused,
  assertSamePicture,
  HEIGHT,
  painted,
  photograph,
  transparentPhotograph,
  useDecoder,
  WIDTH,
} from '../../../testing/images/images.ts';

const decode = useDecoder();

function riffChunk(name: string, content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(name, 'latin1');
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
}

function u24(value: number): number[] {
  return [value & 255, (value >> 8) & 255, value >> 16];
}

describe('WebP', () => {
  test('reads lossy and lossless files as sharp does', async () => {
    const files = [
      await photograph().webp().toBuffer(),
      await photograph().webp({ lossless: true }).toBuffer(),
    ];
    for (const file of files) assertSamePicture(await decode(file), await asSharpSees(file), 1);
  });

  test('lays alpha over white', async () => {
    const transparent = await transparentPhotograph();
    const files = [
      await transparent.clone().webp().toBuffer(),
      await transparent.clone().webp({ lossless: true }).toBuffer(),
    ];
    for (const file of files) assertSamePicture(await decode(file), await asSharpSees(file), 1);
  });

  test('reads the first frame of an animation', async () => {
    const frames = [await photograph().png().toBuffer(), await photograph().negate().png().toBuffer()];
    const file = await sharp(frames, { join: { animated: true } })
      .webp({ lossless: true })
      .toBuffer();
    assertSamePicture(await decode(file), await asSharpSees(frames[0] ?? Buffer.alloc(0)), 0);
  });

  test('lays a first frame that is smaller than the picture on white', async () => {
    const still = await photograph().webp({ lossless: true }).toBuffer();
    const [canvasWidth, canvasHeight, left, top] = [120, 90, 20, 10];
    const place = [left / 2, top / 2, WIDTH - 1, HEIGHT - 1, 100].flatMap(u24);
    const body = Buffer.concat([
      Buffer.from('WEBP'),
      riffChunk('VP8X', Buffer.from([2, 0, 0, 0, ...u24(canvasWidth - 1), ...u24(canvasHeight - 1)])),
      riffChunk('ANIM', Buffer.alloc(6)),
      riffChunk('ANMF', Buffer.concat([Buffer.from([...place, 0]), still.subarray(12)])),
    ]);
    const { pixels } = await asSharpSees(still);
    const picture = painted(canvasWidth, canvasHeight, (x, y) => {
      const inside = x >= left && x < left + WIDTH && y >= top && y < top + HEIGHT;
      const at = ((y - top) * WIDTH + x - left) * 3;
      return inside ? [...pixels.subarray(at, at + 3)] : [255, 255, 255];
    });
    assertSamePicture(await decode(riffChunk('RIFF', body)), picture, 0);
  });

  test('refuses a file that lacks rows', async () => {
    const file = await photograph().webp().toBuffer();
    await assertRefused(decode(file.subarray(0, -20)), 'INVALID_IMAGE', /cut short: \d+ of 75 rows/);
  });
});
