import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { uniforms } from '../../src/base/random.ts';
import { decodeImage, loadPipeline } from '../../src/native/pipeline.ts';
import { bmpFile, bordered, DEGRADATIONS } from '../../src/vision/degraded-images.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { variedTemplates } from '../../src/vision/varied-templates.ts';
import { cosine, usePipeline } from '../../testing/faces.ts';
import { nobody, portrait } from '../../testing/photographs.ts';

const parts = usePipeline();

function noise(width: number, height: number) {
  const uniform = uniforms(1);
  return {
    width,
    height,
    pixels: Uint8Array.from({ length: 3 * width * height }, () => Math.floor(256 * uniform())),
  };
}

const meanOf = (values: Uint8Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
const varianceOf = (values: Uint8Array) => {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
};

describe('a degraded image', () => {
  const image = noise(31, 20);
  const degraded = new Map(DEGRADATIONS.map((degrade) => [degrade.name, degrade(image)]));
  const of = (name: string) => degraded.get(name)?.pixels ?? new Uint8Array();

  test('has the size of the image', () => {
    assert.equal(degraded.size, 8);
    for (const [name, { width, height, pixels }] of degraded) {
      const isOnItsSide = name === 'turnedLeft' || name === 'turnedRight';
      assert.deepEqual([width, height], isOnItsSide ? [20, 31] : [31, 20], name);
      assert.equal(pixels.length, image.pixels.length);
    }
  });

  test('is blurred, inverted, darkened or upside down', () => {
    assert.ok(Math.abs(meanOf(of('blurred')) - meanOf(image.pixels)) < 3);
    assert.ok(varianceOf(of('blurred')) < varianceOf(image.pixels) / 5);
    assert.deepEqual(
      [...of('inverted')],
      [...image.pixels].map((value) => 255 - value),
    );
    assert.ok(Math.max(...of('darkened')) <= 31);
    assert.deepEqual([...of('upsideDown').slice(0, 3)], [...image.pixels.slice(-3)]);
    assert.ok(varianceOf(of('heavilyBlurred')) <= varianceOf(of('blurred')));
  });

  test('is on its side', () => {
    const [topLeft, topRight] = [image.pixels.slice(0, 3), image.pixels.slice(90, 93)];
    assert.deepEqual(of('turnedLeft').slice(0, 3), topRight);
    assert.deepEqual(of('turnedLeft').slice(-60, -57), topLeft);
    assert.deepEqual(of('turnedRight').slice(57, 60), topLeft);
    assert.deepEqual(of('turnedRight').slice(-3), topRight);
  });

  test('keeps its middle when it is turned', () => {
    const middle = 3 * (10 * 31 + 15);
    const near = [-3, 0, 3].map((step) => image.pixels[middle + step]);
    assert.ok(near.includes(of('turned')[middle]));
    assert.deepEqual([...of('turned').slice(0, 3)], [128, 128, 128]);
  });

  test('becomes a BMP file that decodes to the same pixels', async () => {
    const large = noise(71, 65);
    const decoded = await decodeImage(parts.executor, bmpFile(large));
    assert.deepEqual([decoded.width, decoded.height, decoded.format], [71, 65, 'bmp']);
    assert.deepEqual([...decoded.pixels], [...large.pixels]);
  });

  test('has a grey border of half its size', () => {
    const { width, height, pixels } = bordered(image);
    assert.deepEqual([width, height], [62, 40]);
    assert.deepEqual([...pixels.slice(0, 3)], [128, 128, 128]);
    const first = 3 * (10 * 62 + 15);
    assert.deepEqual([...pixels.slice(first, first + 93)], [...image.pixels.slice(0, 93)]);
  });
});

describe('templates of a folder', () => {
  async function folderOf(t: TestContext, images: Record<string, Uint8Array>): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
    t.after(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, 'more'));
    for (const [name, content] of Object.entries(images)) writeFileSync(join(folder, name), content);
    return folder;
  }
  const read = (folder: string, degraded: boolean) =>
    variedTemplates(parts.pipeline, parts.executor, folder, { degraded }, () => {});

  test('come from images at any depth, with a degraded copy of each', async (t) => {
    const folder = await folderOf(t, {
      'a.jpg': await portrait('bea'),
      'more/b.jpg': await portrait('anna'),
      'c.jpg': await nobody(),
      'd.jpg': Buffer.from('not an image'),
      'e.txt': Buffer.from('a list'),
    });
    const found = await read(folder, true);
    assert.deepEqual(
      found.map(({ image, plain, degraded }) => [image, plain !== null, degraded !== null]),
      [
        ['a.jpg', true, true],
        ['c.jpg', false, false],
        ['d.jpg', false, false],
        ['more/b.jpg', true, true],
      ],
    );
    const [bea, , , anna] = found;
    const score = cosine(bea?.plain ?? null, bea?.degraded ?? null);
    assert.ok(score > 0.3 && score < 0.999, `blurred copy scores ${score}`);
    assert.ok(cosine(anna?.plain ?? null, bea?.plain ?? null) < 0.4);
    assert.ok((await read(folder, false)).every(({ degraded }) => degraded === null));
  });

  test('come from tight crops too, by a border around them', async (t) => {
    const tight = await sharp(await portrait('emma'))
      .extract({ left: 195, top: 222, width: 130, height: 183 })
      .jpeg()
      .toBuffer();
    const pack = await openModelPack('faceplugin');
    const pipeline = await loadPipeline(parts.executor, pack.pipeline);
    assert.equal((await pipeline.analyze(tight, 'binary')).faces.length, 0);
    const folder = await folderOf(t, { 'tight.jpg': tight });
    const [found] = await variedTemplates(pipeline, parts.executor, folder, { degraded: false }, () => {});
    assert.ok(found?.plain);
  });
});
