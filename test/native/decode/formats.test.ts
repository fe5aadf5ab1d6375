import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { formatFace, formatFile, formatFileNames } from '../../../testing/images/format-files.ts';
import { codedTile, gridFile } from '../../../testing/images/heif-file.ts';
import {
  asSharpSees,
  assertRefused,
  assertSamePicture,
  colourAt,
  HEIGHT,
  type Pixels,
  photograph,
  transparentPhotograph,
  useDecoder,
  WIDTH,
} from '../../../testing/images/images.ts';
import { withEmptyScans } from '../../../testing/images/jpeg-file.ts';

const decode = useDecoder();

/** Mean difference of two images' samples, 0..255. */
function difference(a: Pixels, b: Pixels): number {
  assert.deepEqual([a.width, a.height], [b.width, b.height]);
  return a.pixels.reduce((sum, value, i) => sum + Math.abs(value - (b.pixels[i] ?? 0)), 0) / a.pixels.length;
}

const FORMATS: Readonly<Record<string, string>> = {
  heic: 'heic',
  avif: 'avif',
  jp2: 'jpeg2000',
  j2k: 'jpeg2000',
};

describe('HEIC, AVIF and JPEG 2000', () => {
  for (const name of formatFileNames()) {
    test(`${name} decodes to its image`, async () => {
      const face = await formatFace();
      const image = name.startsWith('alpha')
        ? sharp(await face.ensureAlpha(0.9).png().toBuffer())
        : name.startsWith('grey')
          ? face.greyscale()
          : name.startsWith('clap')
            ? face.extract({ left: 8, top: 6, width: 240, height: 224 })
            : face;
      const decoded = await decode(formatFile(name));
      assert.equal(decoded.format, FORMATS[name.split('.')[1] ?? '']);
      // Lossy coding accounts for up to 2, of coarse chroma and a wide gamut for up to 3.
      const expected = await asSharpSees(await image.png().toBuffer());
      assert.ok(difference(decoded, expected) < (name === 'lossless.jp2' ? 0.01 : 3.2));
    });
  }

  test('AVIF decodes as sharp sees it', async () => {
    const transparent = await transparentPhotograph();
    const files = [
      photograph().avif({ quality: 60 }),
      photograph().avif({ lossless: true }),
      photograph().withIccProfile('p3').avif({ quality: 60 }),
      photograph().avif({ quality: 60, bitdepth: 8 }),
    ];
    for (const file of files) {
      const bytes = await file.toBuffer();
      assertSamePicture(await decode(bytes), await asSharpSees(bytes), 2);
    }
    const alpha = await transparent.clone().avif({ lossless: true }).toBuffer();
    assertSamePicture(await decode(alpha), await asSharpSees(alpha), 2);
  });

  test('a grid of 48 megapixels, as phones write, decodes at half size', async () => {
    const shape = { columns: 8, rows: 6, width: 8064, height: 6048, tileWidth: 1008, tileHeight: 1008 };
    const tileOf = (background: string) =>
      codedTile(sharp({ create: { width: 1008, height: 1008, channels: 3, background } }));
    const [red, blue] = await Promise.all([tileOf('red'), tileOf('blue')]);
    const tiles = Array.from({ length: 48 }, (_, i) => (i === 21 ? blue : red));
    const { width, height, pixels } = await decode(gridFile(tiles, shape));
    assert.deepEqual([width, height], [4032, 3024]);
    const isBlue = (x: number, y: number) => (pixels[3 * (y * width + x) + 2] as number) > 128;
    // Tile 21 is the sixth of the third row.
    const edges = [
      [5 * 504, 2 * 504, true],
      [6 * 504 - 1, 3 * 504 - 1, true],
      [5 * 504 - 2, 2 * 504, false],
      [6 * 504 + 1, 3 * 504 - 1, false],
      [5 * 504, 2 * 504 - 2, false],
    ] as const;
    for (const [x, y, expected] of edges) assert.equal(isBlue(x, y), expected, `${x}, ${y}`);
    const odd = { ...shape, width: 8063 };
    await assertRefused(decode(gridFile(tiles, odd)), 'IMAGE_TOO_LARGE', /8063 x 6048.*40000000/);
    const wide = { ...shape, columns: 9, width: 9072 };
    const more = Array.from({ length: 54 }, () => red);
    await assertRefused(decode(gridFile(more, wide)), 'IMAGE_TOO_LARGE', /9072 x 6048.*8192/);
  });

  test('a file that is cut short anywhere is refused', async () => {
    for (const name of ['plain.heic', 'grid.avif', 'plain.jp2', 'plain.j2k', 'tiles.jp2']) {
      const file = formatFile(name);
      for (let i = 1; i < 30; i++) {
        const part = file.subarray(0, 40 + Math.floor(((file.length - 60) * i) / 30));
        await assert.rejects(decode(part), (error: Error & { code?: string }) => {
          assert.match(error.code ?? '', /^(INVALID|UNSUPPORTED)_IMAGE$/, `${name} ${part.length}`);
          return true;
        });
      }
    }
  });

  test('claims of a huge size are refused before the pixels', async () => {
    const heic = Buffer.from(formatFile('plain.heic'));
    heic.writeUInt32BE(60_000, heic.indexOf('ispe') + 8);
    await assertRefused(decode(heic), 'IMAGE_TOO_LARGE', /60000 x 244.*8192/);
    const jp2 = Buffer.from(formatFile('plain.j2k'));
    jp2.writeUInt32BE(8192, 8);
    jp2.writeUInt32BE(4883, 12);
    await assertRefused(decode(jp2), 'IMAGE_TOO_LARGE', /8192 x 4883.*40000000/);
    jp2.writeUInt32BE(4000, 12);
    await assertRefused(decode(jp2), 'IMAGE_TOO_LARGE', /98304000 samples.*60000000/);
  });

  test('JPEG 2000 files with too many parts are refused', async () => {
    const file = Buffer.from(formatFile('plain.j2k'));
    const tiled = Buffer.from(file);
    tiled.writeUInt32BE(2, 24);
    tiled.writeUInt32BE(2, 28);
    await assertRefused(decode(tiled), 'IMAGE_TOO_LARGE', /too many tiles/);
    const style = file.indexOf(Buffer.from([0xff, 0x52]));
    const layered = Buffer.from(file);
    layered.writeUInt16BE(65_535, style + 6);
    layered[style + 9] = 30;
    await assertRefused(decode(layered), 'IMAGE_TOO_LARGE', /too many packets/);
  });

  test('a HEIC grid may not repeat more tiles than its image needs', async () => {
    const file = Buffer.from(formatFile('grid.avif'));
    const grid = file.indexOf(Buffer.from([0, 0, 1, 1, 1, 0, 0, 244]));
    assert.ok(grid > 0);
    const narrow = Buffer.from(file);
    narrow.writeUInt16BE(100, grid + 4);
    await assertRefused(decode(narrow), 'INVALID_IMAGE');
    const more = Buffer.from(file);
    more[grid + 2] = 255;
    await assertRefused(decode(more), 'INVALID_IMAGE');
  });
});

/** A TIFF file of one strip, or of as many equal strips, of JPEG data. */
function tiffOf(jpegs: readonly Buffer[], width: number, height: number): Buffer {
  const rows = Math.ceil(height / jpegs.length);
  const data = Buffer.concat([Buffer.alloc(8), ...jpegs]);
  const at = data.length + (data.length % 2);
  const lists = at + 2 + 9 * 12 + 4;
  const starts = jpegs.map((_, i) => 8 + Buffer.concat(jpegs.slice(0, i)).length);
  const entries: [tag: number, type: number, count: number, value: number][] = [
    [256, 4, 1, width],
    [257, 4, 1, height],
    [258, 3, 1, 8],
    [259, 3, 1, 7],
    [262, 3, 1, 1],
    [273, 4, jpegs.length, jpegs.length === 1 ? 8 : lists],
    [277, 3, 1, 1],
    [278, 4, 1, rows],
    [279, 4, jpegs.length, jpegs.length === 1 ? (jpegs[0] as Buffer).length : lists + 4 * jpegs.length],
  ];
  const file = Buffer.alloc(lists + 8 * jpegs.length);
  data.copy(file);
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(at, 4);
  file.writeUInt16LE(entries.length, at);
  for (const [i, [tag, type, count, value]] of entries.entries()) {
    const entry = at + 2 + 12 * i;
    file.writeUInt16LE(tag, entry);
    file.writeUInt16LE(type, entry + 2);
    file.writeUInt32LE(count, entry + 4);
    if (type === 3) file.writeUInt16LE(value, entry + 8);
    else file.writeUInt32LE(value, entry + 8);
  }
  for (const [i, start] of starts.entries()) {
    file.writeUInt32LE(start, lists + 4 * i);
    file.writeUInt32LE((jpegs[i] as Buffer).length, lists + 4 * (jpegs.length + i));
  }
  return file;
}

async function greyScans(width: number, height: number, count: number): Promise<Buffer> {
  const grey = sharp({ create: { width, height, channels: 3, background: 'teal' } }).toColourspace('b-w');
  return withEmptyScans(await grey.jpeg({ progressive: true }).toBuffer(), count);
}

describe('TIFF', () => {
  test('of JPEG data has as many scans as a JPEG file may have, all strips together', async () => {
    const { width } = await decode(tiffOf([await greyScans(8000, 5000, 16)], 8000, 5000));
    assert.equal(width, 8000);
    const refused = (file: Buffer) => assertRefused(decode(file), 'IMAGE_TOO_LARGE', /scans/);
    await refused(tiffOf([await greyScans(8000, 5000, 17)], 8000, 5000));
    const half = await greyScans(8000, 2500, 17);
    await refused(tiffOf([half, half], 8000, 5000));
    const most = await greyScans(400, 200, 101);
    await assertRefused(decode(tiffOf([most], 400, 200)), 'IMAGE_TOO_LARGE', /scans/);
    const small = await greyScans(400, 200, 20);
    const few = await decode(tiffOf([small, small], 400, 400));
    assert.deepEqual([few.width, few.height], [400, 400]);
  });

  test('decodes as sharp sees it', async () => {
    const transparent = await transparentPhotograph();
    const files = [
      photograph().tiff({ compression: 'none' }),
      photograph().tiff({ compression: 'lzw', predictor: 'horizontal' }),
      photograph().tiff({ compression: 'deflate' }),
      photograph().tiff({ compression: 'packbits' }),
      photograph().tiff({ compression: 'jpeg' }),
      photograph().tiff({ compression: 'webp' }),
      photograph().tiff({ compression: 'lzw', tile: true, tileWidth: 32, tileHeight: 48 }),
      photograph().tiff({ compression: 'lzw', bigtiff: true }),
      photograph().greyscale().toColourspace('b-w').tiff({ compression: 'lzw' }),
      photograph().greyscale().toColourspace('grey16').tiff({ compression: 'lzw' }),
      photograph().toColourspace('rgb16').tiff({ compression: 'deflate' }),
      photograph().withIccProfile('p3').tiff({ compression: 'lzw' }),
      photograph().withMetadata({ orientation: 6 }).tiff({ compression: 'lzw' }),
      photograph().withMetadata({ orientation: 5 }).tiff({ compression: 'lzw' }),
      transparent.clone().tiff({ compression: 'lzw' }),
      transparent.clone().toColourspace('rgb16').tiff({ compression: 'deflate' }),
      photograph()
        .greyscale()
        .threshold()
        .toColourspace('b-w')
        .tiff({ bitdepth: 1, compression: 'ccittfax4' }),
    ];
    for (const file of files) {
      const bytes = await file.toBuffer();
      const decoded = await decode(bytes);
      assert.equal(decoded.format, 'tiff');
      assertSamePicture(decoded, await asSharpSees(bytes), 2);
    }
  });

  test('refuses a file that is cut short, and a claim of a huge size', async () => {
    const file = await photograph().tiff({ compression: 'none' }).toBuffer();
    await assertRefused(decode(file.subarray(0, file.length / 2)), 'INVALID_IMAGE', /cut short or broken/);
    const claim = Buffer.from(file);
    const width = claim.indexOf(Buffer.from([0x00, 0x01, 0x03, 0x00, 1, 0, 0, 0, WIDTH, 0]));
    const height = claim.indexOf(Buffer.from([0x01, 0x01, 0x03, 0x00, 1, 0, 0, 0, HEIGHT, 0]));
    assert.ok(width > 0 && height > 0);
    claim.writeUInt16LE(8192, width + 8);
    claim.writeUInt16LE(4883, height + 8);
    await assertRefused(decode(claim), 'IMAGE_TOO_LARGE', /8192 x 4883.*40000000/);
  });

  test('names a compression that it does not take', async () => {
    const file = await photograph().tiff({ compression: 'none' }).toBuffer();
    const compression = file.indexOf(Buffer.from([0x03, 0x01, 0x03, 0x00, 1, 0, 0, 0]));
    file.writeUInt16LE(34_661, compression + 8);
    await assertRefused(decode(file), 'UNSUPPORTED_IMAGE', /compression 34661/);
  });
});

describe('colour profiles', () => {
  for (const format of ['jpeg', 'png', 'webp', 'tiff', 'avif'] as const) {
    test(`of ${format} files convert to sRGB`, async () => {
      const file = await photograph().withIccProfile('p3').toFormat(format, { quality: 95 }).toBuffer();
      assertSamePicture(await decode(file), await asSharpSees(file), 2);
      // P3 stores this red as 214, 51, 48.
      const red = { r: 230, g: 30, b: 40 };
      const plain = sharp({ create: { width: 64, height: 64, channels: 3, background: red } });
      const saturated = await plain.withIccProfile('p3').toFormat(format, { quality: 95 }).toBuffer();
      const colour = colourAt(await decode(saturated), 32, 32);
      assert.ok(
        [230, 30, 40].every((value, i) => Math.abs(value - (colour[i] ?? 0)) <= 6),
        colour.join(),
      );
    });
  }

  test('that are sRGB leave the pixels alone', async () => {
    const plain = await photograph().png().toBuffer();
    const tagged = await photograph().withIccProfile('srgb').png().toBuffer();
    assertSamePicture(await decode(tagged), await decode(plain), 0);
  });

  test('that are broken leave the pixels alone', async () => {
    const file = await photograph().withIccProfile('p3').webp({ lossless: true }).toBuffer();
    const broken = Buffer.from(file);
    broken.fill(0xa5, broken.indexOf('ICCP') + 8 + 36, broken.indexOf('ICCP') + 8 + 300);
    const stored = await sharp(file, { ignoreIcc: true }).raw().toBuffer();
    assertSamePicture(await decode(broken), { width: WIDTH, height: HEIGHT, pixels: stored }, 0);
  });
});
