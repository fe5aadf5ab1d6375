import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { bmpFile, bmpRows } from '../../testing/images/bmp-file.ts';
import { gifFile } from '../../testing/images/gif-file.ts';
import {
  assertSamePicture,
  HEIGHT,
  type Pixels,
  photograph,
  useDecoder,
  WIDTH,
} from '../../testing/images/images.ts';
import { exifBlock, exifSegment, insertSegments, segment } from '../../testing/images/jpeg-file.ts';
import { startBrowser } from './browser.ts';

const decode = useDecoder();

const FIXTURES = new URL('../../../test/fixtures/wild/', import.meta.url);

let browser: Browser;
let page: Page;
before(async () => {
  browser = await startBrowser();
  page = await browser.newPage();
});
after(() => browser.close());

const SHOW = `(async (source) => {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return { width: canvas.width, height: canvas.height, rgba: [...data] };
})`;

async function asChromiumShows(url: string): Promise<Pixels> {
  const shown = await page.evaluate(`${SHOW}(${JSON.stringify(url)})`);
  const { width, height, rgba } = shown as { width: number; height: number; rgba: number[] };
  return { width, height, pixels: Uint8Array.from(rgba.filter((_, i) => i % 4 !== 3)) };
}

function dataUrl(file: Buffer): string {
  return `data:image/png;base64,${file.toString('base64')}`;
}

function fixture(name: string): Promise<Buffer> {
  return readFile(fileURLToPath(new URL(name, FIXTURES)));
}

const size = { width: WIDTH, height: HEIGHT };
const palette = Array.from({ length: 256 }, (_, i) => [i, 255 - i, (3 * i) % 256] as const);
const colours = bmpRows(WIDTH, HEIGHT, 24, (x, y) => 2 * x * 65536 + 3 * y * 256 + x + y);

function cutHeader(bytes: number): Buffer {
  const whole = bmpFile({ ...size, bits: 24, header: 64, pixels: colours });
  const file = Buffer.concat([whole.subarray(0, 14 + bytes), whole.subarray(14 + 64)]);
  file.writeUInt32LE(bytes, 14);
  file.writeUInt32LE(14 + bytes, 10);
  return file;
}

const runs = Buffer.from([...Array.from({ length: HEIGHT }, (_, y) => [WIDTH, y, 0, 0]).flat(), 0, 1]);

const FILES: Readonly<Record<string, () => Buffer | Promise<Buffer>>> = {
  ...Object.fromEntries(
    [16, 20, 36, 44, 48, 60, 64].map((bytes) => [
      `a BMP with a header of ${bytes} bytes`,
      () => cutHeader(bytes),
    ]),
  ),
  'a BMP of 2 bits': () =>
    bmpFile({
      ...size,
      bits: 2,
      palette: palette.slice(0, 4),
      pixels: bmpRows(WIDTH, HEIGHT, 2, (x, y) => (x + y) % 4),
    }),
  'a BMP of runs from the top': () =>
    bmpFile({ width: WIDTH, height: -HEIGHT, bits: 8, compression: 1, palette, pixels: runs }),
  'a BMP with masks of 10 bits': () =>
    bmpFile({
      ...size,
      bits: 32,
      compression: 3,
      masks: [0x3ff00000, 0xffc00, 0x3ff],
      pixels: bmpRows(WIDTH, HEIGHT, 32, (x, y) => (x * 9000041 + y * 77003) % 2 ** 30),
    }),
  'a BMP with masks in the other order': () =>
    bmpFile({
      ...size,
      bits: 32,
      compression: 3,
      masks: [0xff, 0xff00, 0xff0000],
      pixels: bmpRows(WIDTH, HEIGHT, 32, (x, y) => (x * 9000041 + y * 77003) % 2 ** 24),
    }),
  'a PNG without checksum of its data': () => fixture('png-without-end/no-adler.png'),
  'a PNG without end': () => fixture('png-without-end/no-iend.png'),
  'a JPEG with inks and no marker': () => fixture('cmyk-without-adobe/no-app14.jpg'),
  "a JPEG with a recorder's data for its end": () => fixture('jpeg-without-end/dahua-dhav-tail.jpg'),
  'a GIF without last block': async () =>
    Buffer.concat([(await fixture('gif-without-end/reference.gif')).subarray(0, -2), Buffer.from([0x3b])]),
  'a GIF frame that reaches beyond the screen': () =>
    gifFile({
      screen: { width: 70, height: 70 },
      frame: { left: 30, top: 20, width: 70, height: 64 },
      palette: palette.slice(0, 128),
      indexAt: (x, y) => (x + 2 * y) % 128,
    }),
  'an EXIF segment behind an empty one': async () =>
    insertSegments(
      await photograph().jpeg().toBuffer(),
      segment(0xe1, Buffer.from('Exif\0\0')),
      exifSegment(exifBlock(6, false)),
    ),
  'an EXIF segment with an odd prefix': async () =>
    insertSegments(
      await photograph().jpeg().toBuffer(),
      segment(0xe1, Buffer.concat([Buffer.from('Exif\0\xff', 'latin1'), exifBlock(6, true)])),
    ),
};

for (const [kind, make] of Object.entries(FILES)) {
  test(`Visage reads ${kind} as Chromium does`, async () => {
    const file = await make();
    assertSamePicture(await decode(file), await asChromiumShows(dataUrl(file)), 1);
  });
}

test('Visage reads the data URLs that Chromium reads', async () => {
  const file = await photograph().png().toBuffer();
  const base64 = file.toString('base64');
  const expected = await decode(file);
  for (const url of [
    `data:image/png; base64,${base64}`,
    `DATA:image/png;charset=utf-8;BASE64,${base64}`,
    `data:image/png;base64 ,${encodeURIComponent(base64)}`,
    `data:image/png;base64,${base64.replace(/.{76}/g, '$& ')}`,
  ]) {
    assertSamePicture(await asChromiumShows(url), expected, 0);
    assertSamePicture(await decode(Buffer.from(url), 'base64'), expected, 0);
  }
  await assert.rejects(asChromiumShows(`data:image/png;base65,${base64}`));
});
