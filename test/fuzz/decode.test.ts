import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { bmpFile, bmpRows } from '../../testing/images/bmp-file.ts';
import { gifFile } from '../../testing/images/gif-file.ts';
import { HEIGHT, photograph, transparentPhotograph, WIDTH } from '../../testing/images/images.ts';

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SOURCE = join(ROOT, 'test/fuzz/decode_fuzz.cc');
const FIXTURES = join(ROOT, 'test/fixtures/decode');
const FORMAT_FIXTURES = join(ROOT, 'test/fixtures/formats');
const BUILD = join(ROOT, 'build/fuzz');
const PROGRAM = join(BUILD, 'decode_fuzz');
const CORPUS = join(BUILD, 'corpus');

const FORMATS = ['ICC', 'TIFF', 'JPEG2000', 'HEIC', 'AVIF'].map((name) => `-DVISAGE_${name}`);
const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const LIBRARIES = [
  'libjpeg',
  'libpng',
  'libwebpdemux',
  'libwebp',
  'zlib',
  'libtiff-4',
  'libopenjp2',
  'libde265',
  'dav1d',
  'lcms2',
];

async function filesOf(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort().map((name) => join(folder, name));
}

async function isNewerThan(file: string, others: readonly string[]): Promise<boolean> {
  const made = await stat(file).catch(() => undefined);
  if (!made) return false;
  const changes = await Promise.all(others.map(async (other) => (await stat(other)).mtimeMs));
  return changes.every((change) => change < made.mtimeMs);
}

async function build(): Promise<void> {
  const decoder = await filesOf(join(ROOT, 'native/decode'));
  const sources = [SOURCE, ...decoder.filter((file) => file.endsWith('.cc'))];
  if (await isNewerThan(PROGRAM, [SOURCE, ...decoder, ...(await filesOf(join(ROOT, 'native/base')))])) return;
  const include = `-I${join(ROOT, 'native')}`;
  const options = ['-std=c++20', '-O1', '-g1', ...SANITIZERS, include];
  const { stdout: libraries } = await run('pkg-config', ['--cflags', '--libs', ...LIBRARIES]);
  const command = [...options, ...FORMATS, ...sources, '-o', PROGRAM, ...libraries.trim().split(/\s+/)];
  await run(process.env.CXX ?? 'g++', command);
}

async function makeCorpus(): Promise<void> {
  await rm(CORPUS, { recursive: true, force: true });
  await mkdir(CORPUS, { recursive: true });
  const transparent = await transparentPhotograph();
  const still = await photograph().png().toBuffer();
  const files = {
    'turned.jpg': photograph().withMetadata({ orientation: 6 }).jpeg(),
    'progressive.jpg': photograph().jpeg({ progressive: true }),
    'large.jpg': photograph().resize(320, 213).jpeg({ quality: 40 }),
    'grey.jpg': photograph().greyscale().jpeg(),
    'turned.png': photograph().withMetadata({ orientation: 5 }).png(),
    'sixteen.png': transparent.clone().toColourspace('rgb16').png(),
    'interlaced.png': transparent.clone().png({ palette: true, progressive: true }),
    'turned.webp': photograph().withMetadata({ orientation: 8 }).webp(),
    'alpha.webp': transparent.clone().webp(),
    'lossless.webp': transparent.clone().webp({ lossless: true }),
    'animated.webp': sharp([still, still], { join: { animated: true } }).webp(),
    'photograph.gif': transparent.clone().gif(),
    'profile.jpg': photograph().withIccProfile('p3').jpeg(),
    'profile.png': photograph().withIccProfile('p3').png(),
    'profile.webp': photograph().withIccProfile('p3').webp(),
    'lzw.tif': photograph()
      .withMetadata({ orientation: 6 })
      .tiff({ compression: 'lzw', predictor: 'horizontal' }),
    'deflate.tif': transparent.clone().toColourspace('rgb16').tiff({ compression: 'deflate' }),
    'packbits.tif': photograph().greyscale().tiff({ compression: 'packbits' }),
    'tiles.tif': photograph()
      .withIccProfile('p3')
      .tiff({ compression: 'jpeg', tile: true, tileWidth: 32, tileHeight: 32 }),
    'bilevel.tif': photograph()
      .threshold()
      .toColourspace('b-w')
      .tiff({ bitdepth: 1, compression: 'ccittfax4' }),
    'cmyk.tif': photograph().toColourspace('cmyk').tiff({ compression: 'none' }),
    'photograph.avif': photograph().avif({ effort: 2 }),
    'alpha.avif': transparent.clone().avif({ effort: 2 }),
  };
  for (const [name, file] of Object.entries(files)) await file.toFile(join(CORPUS, name));

  const size = { width: WIDTH, height: HEIGHT };
  const palette = Array.from({ length: 256 }, (_, i) => [i, i, 255 - i]);
  const rows = (bits: number) =>
    bmpRows(WIDTH, HEIGHT, bits, (x, row) => (x * 9 + row) % 2 ** Math.min(bits, 24));
  const runs = Buffer.from(
    Array.from({ length: HEIGHT }, () => [WIDTH - 3, 7, 0, 3, 0x12, 0x34, 5, 0, 0, 0]).flat(),
  );
  const handMade = {
    'core.bmp': bmpFile({ ...size, bits: 24, header: 12, pixels: rows(24) }),
    'one.bmp': bmpFile({ ...size, bits: 1, palette: palette.slice(0, 2), pixels: rows(1) }),
    'four.bmp': bmpFile({ ...size, bits: 4, palette: palette.slice(0, 16), pixels: rows(4) }),
    'runs8.bmp': bmpFile({ ...size, bits: 8, compression: 1, palette, pixels: runs }),
    'runs4.bmp': bmpFile({ ...size, bits: 4, compression: 2, palette: palette.slice(0, 16), pixels: runs }),
    'masks.bmp': bmpFile({
      ...size,
      bits: 16,
      compression: 3,
      masks: [0xf800, 0x7e0, 0x1f],
      pixels: rows(16),
    }),
    'alpha.bmp': bmpFile({
      ...size,
      bits: 32,
      header: 124,
      compression: 3,
      masks: [0xff0000, 0xff00, 0xff, 0xff000000],
      pixels: rows(32),
    }),
    'part.gif': gifFile({
      screen: size,
      frame: { left: 5, top: 3, width: 70, height: 60 },
      palette,
      transparent: 9,
      interlaced: true,
      indexAt: (x, y) => (x + y) % 128,
    }),
  };
  for (const [name, file] of Object.entries(handMade)) await writeFile(join(CORPUS, name), file);
  for (const folder of [FIXTURES, FORMAT_FIXTURES]) {
    for (const file of await readdir(folder)) {
      if (/\.(jpg|heic|avif|jp2|j2k)$/.test(file)) await copyFile(join(folder, file), join(CORPUS, file));
    }
  }
}

describe('the decoder under sanitizers', () => {
  before(() => mkdir(BUILD, { recursive: true }));

  test('survives thousands of mutated pictures', async () => {
    await Promise.all([build(), makeCorpus()]);
    const { stdout } = await run(PROGRAM, ['3000', '1', ...(await filesOf(CORPUS))], {
      cwd: BUILD,
      env: { ...process.env, ASAN_OPTIONS: 'hard_rss_limit_mb=1500' },
    });
    const [, inputs, pictures] = /^(\d+) inputs, (\d+) of them pictures/.exec(stdout) ?? [];
    assert.equal(inputs, '3000');
    // Mutations that never decode would try nothing but the headers.
    assert.ok(Number(pictures) > 300, stdout);
  });
});
