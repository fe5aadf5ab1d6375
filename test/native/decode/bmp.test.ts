import { describe, test } from 'node:test';
import { type BmpFile, bmpFile, bmpRows } from '../../../testing/images/bmp-file.ts';
import { assertRefused, assertSamePicture, painted, useDecoder } from '../../../testing/images/images.ts';

const decode = useDecoder();

const WIDTH = 67;
const HEIGHT = 65;

const GREYS = (count: number) =>
  Array.from({ length: count }, (_, i) => [i, 255 - i, (i * 7) % 256] as const);

function indexed(bits: number): Pick<BmpFile, 'width' | 'height' | 'bits' | 'palette' | 'pixels'> {
  const count = 2 ** bits;
  const pixels = bmpRows(WIDTH, HEIGHT, bits, (x, row) => (x * 3 + row) % count);
  return { width: WIDTH, height: HEIGHT, bits, palette: GREYS(count), pixels };
}

function indexedPicture(bits: number) {
  const count = 2 ** bits;
  return painted(WIDTH, HEIGHT, (x, y) => GREYS(count)[(x * 3 + HEIGHT - 1 - y) % count] ?? []);
}

/** 24 bits a pixel. */
function trueColour(header: number, topDown: boolean) {
  const file = bmpFile({
    width: WIDTH,
    height: topDown ? -HEIGHT : HEIGHT,
    bits: 24,
    header,
    pixels: bmpRows(WIDTH, HEIGHT, 24, (x, row) => (x << 16) | (row << 8) | 77),
  });
  const picture = painted(WIDTH, HEIGHT, (x, y) => [x, topDown ? y : HEIGHT - 1 - y, 77]);
  return { file, picture };
}

describe('BMP', () => {
  for (const bits of [1, 4, 8]) {
    test(`reads ${bits} bits a pixel with a palette`, async () => {
      assertSamePicture(await decode(bmpFile(indexed(bits))), indexedPicture(bits), 0);
    });
  }

  for (const header of [12, 40, 108, 124]) {
    test(`reads 24 bits a pixel after a header of ${header} bytes`, async () => {
      const { file, picture } = trueColour(header, false);
      assertSamePicture(await decode(file), picture, 0);
    });
  }

  test('reads rows from the top where the height is negative', async () => {
    const { file, picture } = trueColour(40, true);
    assertSamePicture(await decode(file), picture, 0);
  });

  test('reads an OS/2 palette of three bytes a colour', async () => {
    assertSamePicture(await decode(bmpFile({ ...indexed(4), header: 12 })), indexedPicture(4), 0);
  });

  test('reads a palette that is shorter than its pixels as black where it ends', async () => {
    const file = { ...indexed(8), palette: GREYS(10), pixels: bmpRows(WIDTH, HEIGHT, 8, () => 200) };
    assertSamePicture(
      await decode(bmpFile(file)),
      painted(WIDTH, HEIGHT, () => [0, 0, 0]),
      0,
    );
  });

  test('reads 16 bits as five a colour, and 5-6-5 by masks', async () => {
    const value = (x: number) => (x % 32) * 0x0421;
    const common = { width: WIDTH, height: HEIGHT, bits: 16 };
    const plain = bmpFile({ ...common, pixels: bmpRows(WIDTH, HEIGHT, 16, value) });
    const grey = (x: number) => Math.round(((x % 32) * 255) / 31);
    assertSamePicture(
      await decode(plain),
      painted(WIDTH, HEIGHT, (x) => [grey(x), grey(x), grey(x)]),
    );
    const masked = bmpFile({
      ...common,
      compression: 3,
      masks: [0xf800, 0x07e0, 0x001f],
      pixels: bmpRows(WIDTH, HEIGHT, 16, (x) => ((x % 32) << 11) | ((x % 64) << 5) | 31),
    });
    const green = (x: number) => Math.round(((x % 64) * 255) / 63);
    assertSamePicture(
      await decode(masked),
      painted(WIDTH, HEIGHT, (x) => [grey(x), green(x), 255]),
    );
  });

  test('reads 32 bits without regard to the fourth byte, and lays alpha over white where a mask names it', async () => {
    const pixels = bmpRows(WIDTH, HEIGHT, 32, (x) => x * 0x01000000 + 0x102030);
    const common = { width: WIDTH, height: HEIGHT, bits: 32, pixels };
    assertSamePicture(
      await decode(bmpFile(common)),
      painted(WIDTH, HEIGHT, () => [16, 32, 48]),
      0,
    );
    const masks = [0xff0000, 0xff00, 0xff, 0xff000000];
    const alpha = bmpFile({ ...common, header: 124, compression: 3, masks });
    const over = (value: number, x: number) => Math.round((value * x + 255 * (255 - x)) / 255);
    const picture = painted(WIDTH, HEIGHT, (x) => [over(16, x), over(32, x), over(48, x)]);
    assertSamePicture(await decode(alpha), picture);
  });

  test('reads masks of ten bits a colour, and an alpha channel that is all zero as opaque', async () => {
    const pixels = bmpRows(WIDTH, HEIGHT, 32, (x) => ((x * 15) << 20) | (1023 << 10));
    const masks = [0x3ff00000, 0xffc00, 0x3ff, 0xc0000000];
    const file = bmpFile({
      width: WIDTH,
      height: HEIGHT,
      bits: 32,
      header: 108,
      compression: 3,
      masks,
      pixels,
    });
    const picture = painted(WIDTH, HEIGHT, (x) => [Math.round((x * 15 * 255) / 1023), 255, 0]);
    assertSamePicture(await decode(file), picture);
  });

  test('reads runs, literals, skips and clipped runs of RLE8', async () => {
    const palette = GREYS(256);
    const codes = [
      ...[10, 1, 0, 3, 2, 3, 4, 0, 255, 5, 0, 0], // ten of 1, the literal 2 3 4 with its fill byte, a run too long
      ...[0, 2, 5, 1, 3, 9, 0, 1], // five right and one up, three of 9, end
    ];
    const file = bmpFile({
      width: 64,
      height: 64,
      bits: 8,
      compression: 1,
      palette,
      pixels: Buffer.from(codes),
    });
    const index = (x: number, row: number) => {
      if (row === 0) return x < 10 ? 1 : x < 13 ? x - 8 : 5;
      return row === 2 && x >= 5 && x < 8 ? 9 : 0;
    };
    const picture = painted(64, 64, (x, y) => palette[index(x, 63 - y)] ?? []);
    assertSamePicture(await decode(file), picture, 0);
  });

  test('reads runs of two alternating colours and odd literals of RLE4', async () => {
    const palette = GREYS(16);
    const row = [61, 0x12, 0, 3, 0x34, 0x50, 0, 0];
    const codes = Array.from({ length: 64 }, () => row).flat();
    const file = bmpFile({
      width: 64,
      height: 64,
      bits: 4,
      compression: 2,
      palette,
      pixels: Buffer.from(codes),
    });
    const picture = painted(64, 64, (x) => palette[x < 61 ? 1 + (x % 2) : x - 58] ?? []);
    assertSamePicture(await decode(file), picture, 0);
  });

  test('refuses what no BMP file can say', async () => {
    const rows = bmpRows(64, 64, 32, () => 0);
    const sound = { width: 64, height: 64, bits: 24, pixels: rows };
    await assertRefused(decode(bmpFile({ ...sound, bits: 7 })), 'INVALID_IMAGE', /7 bits/);
    await assertRefused(decode(bmpFile({ ...sound, compression: 1 })), 'INVALID_IMAGE', /24 bits/);
    await assertRefused(decode(bmpFile({ ...sound, compression: 4 })), 'UNSUPPORTED_IMAGE');
    await assertRefused(decode(bmpFile({ ...sound, height: -(2 ** 31) })), 'IMAGE_TOO_LARGE', /2147483648/);
    await assertRefused(decode(bmpFile({ ...sound, width: -64 })), 'INVALID_IMAGE', /-64/);
    const masks = [0xff0000, 0xff00, 0x101];
    await assertRefused(
      decode(bmpFile({ ...sound, bits: 32, compression: 3, masks })),
      'INVALID_IMAGE',
      /mask/,
    );
    const inside = bmpFile(sound);
    inside.writeUInt32LE(20, 10);
    await assertRefused(decode(inside), 'INVALID_IMAGE', /header/);
    inside.writeUInt32LE(0xffffffff, 10);
    await assertRefused(decode(inside), 'INVALID_IMAGE', /cut short/);
    inside.writeUInt32LE(41, 14);
    await assertRefused(decode(inside), 'UNSUPPORTED_IMAGE');
  });
});
