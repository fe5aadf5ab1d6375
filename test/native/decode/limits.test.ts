import { describe, test } from 'node:test';
import sharp from 'sharp';
import { bmpFile } from '../../../testing/images/bmp-file.ts';
import { gifFile } from '../../../testing/images/gif-file.ts';
import { assertRefused, photograph, useDecoder } from '../../../testing/images/images.ts';
import { findSegment } from '../../../testing/images/jpeg-file.ts';
import { pngFile } from '../../../testing/images/png-file.ts';

const decode = useDecoder();

const LIARS: Record<string, (width: number, height: number) => Promise<Buffer>> = {
  JPEG: async (width, height) => {
    const file = await photograph().jpeg().toBuffer();
    const frame = findSegment(file, 0xc0);
    file.writeUInt16BE(height, frame + 5);
    file.writeUInt16BE(width, frame + 7);
    return file;
  },
  'progressive JPEG': async (width, height) => {
    const file = await photograph().jpeg({ progressive: true }).toBuffer();
    const frame = findSegment(file, 0xc2);
    file.writeUInt16BE(height, frame + 5);
    file.writeUInt16BE(width, frame + 7);
    return file;
  },
  PNG: async (width, height) => pngFile({ width, height, depth: 8, colourType: 2, rows: Buffer.alloc(100) }),
  BMP: async (width, height) => bmpFile({ width, height, bits: 24, pixels: Buffer.alloc(100) }),
  GIF: async (width, height) => {
    const frame = { left: 0, top: 0, width: 1, height: 1 };
    return gifFile({ screen: { width, height }, frame, palette: [[0, 0, 0]], indexAt: () => 0 });
  },
  WebP: async (width, height) => {
    const file = await photograph().webp({ lossless: true }).toBuffer();
    // The lossless header holds both sides less one in 14 bits each.
    const sides = ((width - 1) & 0x3fff) + ((height - 1) & 0x3fff) * 0x4000;
    file.writeUInt32LE(sides, 21);
    return file;
  },
};

describe('limits', () => {
  for (const [format, claim] of Object.entries(LIARS)) {
    test(`are read from the header of a ${format} file before its pixels`, async () => {
      const most = format === 'WebP' ? 16384 : 65535;
      await assertRefused(
        decode(await claim(most, most)),
        'IMAGE_TOO_LARGE',
        new RegExp(`${most} x ${most}.*8192`),
      );
      await assertRefused(decode(await claim(8193, 64)), 'IMAGE_TOO_LARGE', /8193 x 64.*8192/);
      await assertRefused(decode(await claim(64, 8193)), 'IMAGE_TOO_LARGE', /64 x 8193.*8192/);
      await assertRefused(decode(await claim(8192, 4883)), 'IMAGE_TOO_LARGE', /8192 x 4883.*40000000/);
      await assertRefused(decode(await claim(63, 100)), 'INVALID_IMAGE', /63 x 100.*64/);
      await assertRefused(decode(await claim(100, 63)), 'INVALID_IMAGE', /100 x 63.*64/);
    });
  }

  test('let the smallest and the longest picture pass', async () => {
    for (const [width, height] of [
      [64, 64],
      [8192, 64],
      [64, 8192],
    ] as const) {
      const picture = sharp({ create: { width, height, channels: 3, background: 'teal' } });
      const formats = [
        picture.clone().jpeg(),
        picture.clone().png(),
        picture.clone().webp(),
        picture.clone().gif(),
      ];
      for (const file of formats) {
        const decoded = await decode(await file.toBuffer());
        if (decoded.width !== width || decoded.height !== height) throw new Error('The size is wrong');
      }
    }
  });

  test('allow ten million bytes and no more', async () => {
    const file = await photograph().jpeg().toBuffer();
    await decode(Buffer.concat([file], 10_000_000));
    await assertRefused(decode(Buffer.concat([file], 10_000_001)), 'IMAGE_TOO_LARGE', /10000001.*10000000/);
  });

  test('refuse no bytes at all, and bytes of no known format', async () => {
    await assertRefused(decode(Buffer.alloc(0)), 'INVALID_IMAGE', /no bytes/);
    for (const bytes of [
      'II*',
      '<svg xmlns="http://www.w3.org/2000/svg"/>',
      'RIFF\0\0\0\0WAVE',
      '\xff\xd8',
    ]) {
      await assertRefused(decode(Buffer.from(bytes, 'latin1')), 'UNSUPPORTED_IMAGE');
    }
  });
});
