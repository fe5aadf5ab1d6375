import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { bmpFile, bmpRows } from '../../../testing/images/bmp-file.ts';
import {
  assertRefused,
  HEIGHT,
  photograph,
  transparentPhotograph,
  useDecoder,
  WIDTH,
} from '../../../testing/images/images.ts';

const decode = useDecoder();

const SIGNATURE_BYTES = 12;

const files = new Map<string, Buffer>();

before(async () => {
  files.set('JPEG', await photograph().jpeg().toBuffer());
  files.set('progressive JPEG', await photograph().jpeg({ progressive: true }).toBuffer());
  files.set('PNG', await photograph().png().toBuffer());
  files.set('interlaced PNG', await photograph().png({ progressive: true }).toBuffer());
  files.set('WebP', await photograph().webp().toBuffer());
  files.set('lossless WebP', await (await transparentPhotograph()).webp({ lossless: true }).toBuffer());
  const pixels = bmpRows(WIDTH, HEIGHT, 24, (x, y) => x * 1000 + y);
  files.set('BMP', bmpFile({ width: WIDTH, height: HEIGHT, bits: 24, pixels }));
  files.set('GIF', await photograph().gif().toBuffer());
});

const KINDS = ['JPEG', 'progressive JPEG', 'PNG', 'interlaced PNG', 'WebP', 'lossless WebP', 'BMP', 'GIF'];

function fileOf(kind: string): Buffer {
  const file = files.get(kind);
  assert.ok(file);
  return file;
}

const NEEDLESS: Readonly<Record<string, number>> = {
  JPEG: 2,
  'progressive JPEG': 2,
  PNG: 24,
  'interlaced PNG': 24,
  WebP: 2,
  'lossless WebP': 4,
  BMP: 3,
  GIF: 4,
};

describe('a broken file', () => {
  for (const kind of KINDS) {
    test(`that is a ${kind} cut short anywhere is refused`, async () => {
      const file = fileOf(kind);
      const last = file.length - 1 - (NEEDLESS[kind] ?? 0);
      const lengths = Array.from({ length: 60 }, (_, i) =>
        Math.round(SIGNATURE_BYTES + ((last - SIGNATURE_BYTES) * i) / 59),
      );
      for (const length of lengths) {
        await assertRefused(decode(file.subarray(0, length)), 'INVALID_IMAGE', /cut short|broken/);
      }
    });

    test(`that is a changed ${kind} decodes or is refused with a code for pictures`, async () => {
      const change = fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        to: fc.integer({ min: 0, max: 255 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
          const file = Buffer.from(fileOf(kind));
          for (const { at, to } of changes) file[Math.floor(at * at * (file.length - 1))] = to;
          try {
            const { width, height, pixels } = await decode(file);
            assert.equal(pixels.length, width * height * 3);
          } catch (error) {
            const { code } = error as { code?: string };
            assert.ok(
              ['INVALID_IMAGE', 'IMAGE_TOO_LARGE', 'UNSUPPORTED_IMAGE'].includes(code ?? ''),
              String(error),
            );
          }
        }),
        { numRuns: 150 },
      );
    });
  }
});
