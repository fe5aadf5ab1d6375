import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import type { ErrorCode } from '../../src/errors.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { type DecodedImage, decodeImage, type ImageEncoding } from '../../src/native/pipeline.ts';

export type Pixels = Pick<DecodedImage, 'width' | 'height' | 'pixels'>;

export type Decode = (bytes: Uint8Array, encoding?: ImageEncoding) => Promise<DecodedImage>;

const GROUP = createRequire(import.meta.url).resolve('@vladmandic/face-api/demo/sample1.jpg');

/** Odd on both sides, so that no block, byte or pass of a format fits. */
export const WIDTH = 97;
export const HEIGHT = 75;

export function useDecoder(): Decode {
  const executor = createExecutor({ threads: 1, maxQueue: 64 });
  after(() => executor.close());
  return (bytes, encoding) => decodeImage(executor, bytes, encoding);
}

export function photograph(): Sharp {
  return sharp(GROUP).resize(WIDTH, HEIGHT, { fit: 'fill' });
}

export async function transparentPhotograph(): Promise<Sharp> {
  const { data } = await photograph().ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  for (let pixel = 0; pixel < WIDTH * HEIGHT; pixel++) data[4 * pixel + 3] = pixel % 256;
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 4 } });
}

export async function asSharpSees(file: Uint8Array): Promise<Pixels> {
  const { data, info } = await sharp(file)
    .rotate()
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.channels, 3);
  return { width: info.width, height: info.height, pixels: data };
}

/** @param tolerance largest difference of a sample, 0..255. */
export function assertSamePicture(actual: Pixels, expected: Pixels, tolerance = 1): void {
  assert.deepEqual([actual.width, actual.height], [expected.width, expected.height]);
  assert.equal(actual.pixels.length, expected.pixels.length);
  const differences = expected.pixels.map((value, i) => Math.abs(value - (actual.pixels[i] ?? 0)));
  const worst = differences.reduce((a, b) => Math.max(a, b), 0);
  assert.ok(worst <= tolerance, `a sample differs by ${worst} of 255`);
}

export function painted(
  width: number,
  height: number,
  colourAt: (x: number, y: number) => readonly number[],
): Pixels {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pixels.set(colourAt(x, y), (y * width + x) * 3);
  }
  return { width, height, pixels };
}

export function colourAt({ width, pixels }: Pixels, x: number, y: number): number[] {
  const at = (y * width + x) * 3;
  return [...pixels.subarray(at, at + 3)];
}

export async function assertRefused(
  decoding: Promise<unknown>,
  code: ErrorCode,
  detail: RegExp = /\w\.$/,
): Promise<void> {
  await assert.rejects(decoding, (error: Error & { code?: string }) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, detail);
    return true;
  });
}
