import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { annotated, overlap } from '../../../bench/annotations.ts';
import { createExecutor, type Executor } from '../../../src/native/executor.ts';
import {
  type AnalysisRequest,
  type AnalyzedFace,
  loadPipeline,
  type Pipeline,
} from '../../../src/native/pipeline.ts';
import type { Box, PipelineOptions } from '../../../src/native/pipeline-options.ts';
import { openModelPack } from '../../../src/vision/model-pack.ts';
import { photograph } from '../../../testing/photographs.ts';

const FULL_HD = { width: 1920, height: 1080 };
/** Width of a face, ear to ear, that detectors must find in an image of 1920 x 1080. */
const LEAST = 32;
const SAMPLES = [...annotated('samples').values()];

let executor: Executor;
before(() => {
  executor = createExecutor({ threads: 2, maxQueue: 64 });
});
after(() => executor.close());

function canvas(
  size: { width: number; height: number },
  laid: readonly { input: Buffer; left: number; top: number }[],
): Promise<Buffer> {
  const slope = `<svg width="${size.width}" height="${size.height}"><defs><linearGradient id="g" x2="1" y2="1"><stop stop-color="#456"/><stop offset="1" stop-color="#cba"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/></svg>`;
  return sharp(Buffer.from(slope))
    .removeAlpha()
    .composite([...laid])
    .png({ compressionLevel: 1 })
    .toBuffer();
}

async function shrunk(number: number, width: number): Promise<{ input: Buffer; boxes: Box[] }> {
  const boxes = SAMPLES[number - 1] as readonly Box[];
  const scale = width / Math.min(...boxes.map((box) => box.width));
  const { width: full = 0 } = await sharp(photograph(number)).metadata();
  const input = await sharp(photograph(number))
    .resize(Math.round(full * scale))
    .png()
    .toBuffer();
  return { input, boxes: boxes.map((box) => moved(box, scale, 0, 0)) };
}

function moved(box: Box, scale: number, x: number, y: number): Box {
  return {
    x: x + box.x * scale,
    y: y + box.y * scale,
    width: box.width * scale,
    height: box.height * scale,
  };
}

function isMet(box: Box, faces: readonly AnalyzedFace[]): boolean {
  return faces.some((face) => overlap(face.box, box) > 0.5);
}

function assertFound(faces: readonly AnalyzedFace[], expected: readonly Box[]) {
  assert.equal(faces.length, expected.length);
  assert.ok(expected.every((box) => isMet(box, faces)));
}

describe('a second look at what is small and doubtful', () => {
  const countWith = async (doubtful: PipelineOptions['detector']['doubtful'], width: number) => {
    const { detector, ...stages } = (await openModelPack('yunet')).pipeline;
    const { doubtful: _, ...once } = detector;
    const pipeline = await loadPipeline(executor, {
      ...stages,
      detector: doubtful ? { ...once, doubtful } : once,
    });
    let count = 0;
    for (const number of [1, 3, 4, 5, 6]) {
      const { input } = await shrunk(number, width);
      const picture = await canvas(FULL_HD, [{ input, left: 700, top: 300 }]);
      const { faces } = await pipeline.analyze(picture, 'binary', { described: 0, template: false });
      count += faces.length;
    }
    return count;
  };

  test('finds faces that the first look was not sure of', async () => {
    const [withSecond, without] = [
      await countWith({ from: 0.15, to: 0.7 }, 16),
      await countWith(undefined, 16),
    ];
    assert.ok(withSecond > without, `${withSecond} and ${without}`);
  });

  test('finds more of the faces below the reliable width, which the first look scores too low', async () => {
    const { doubtful } = (await openModelPack('yunet')).pipeline.detector;
    const counts = [await countWith(doubtful, 10), await countWith({ from: 0.15, to: 0.7 }, 10)];
    assert.ok((counts[0] as number) > (counts[1] as number), counts.join(' and '));
  });
});

describe('a search for the largest face', () => {
  const request = { described: 0, template: false, minFaceSize: 32 };

  for (const [name, size] of [
    ['faceplugin', { width: 3840, height: 2160 }],
    ['yunet', { width: 3840, height: 2160 }],
    ['yunet', FULL_HD],
  ] as const) {
    test(`goes from coarse to fine, as far as is needed: ${name}, ${size.width} pixels wide`, async () => {
      const pipeline = await loadPipeline(executor, (await openModelPack(name)).pipeline);
      const facesOf = async (picture: Buffer, largestOnly = false) =>
        (await pipeline.analyze(picture, 'binary', { ...request, largestOnly })).faces;
      const [box] = SAMPLES[0] as [Box];
      const large = await sharp(photograph(1))
        .extract({ left: box.x - 60, top: box.y - 60, width: box.width + 120, height: box.height + 120 })
        .resize({ width: size.width / 4.8 })
        .png()
        .toBuffer();
      const small = await shrunk(6, 40);
      const laid = { input: small.input, left: 60, top: Math.round(size.height / 1.54) };
      const crowd = await canvas(size, [
        laid,
        { input: large, left: Math.round(size.width / 1.54), top: 100 },
      ]);
      const all = await facesOf(crowd);
      const largest = await facesOf(crowd, true);
      assert.deepEqual([all.length, largest.length], [small.boxes.length + 1, 1]);
      assert.ok(overlap((all[0] as AnalyzedFace).box, (largest[0] as AnalyzedFace).box) > 0.8);
      const few = await canvas(size, [laid]);
      assertFound(
        await facesOf(few, true),
        small.boxes.map((face) => moved(face, 1, laid.left, laid.top)),
      );
    });
  }

  test('sees the image in full for liveness, whose crops follow the box', async () => {
    const pipeline = await loadPipeline(executor, (await openModelPack('yunet')).pipeline);
    const picture = await sharp(photograph(5)).resize(1920, 1080).png().toBuffer();
    const boxOf = async (more: AnalysisRequest) =>
      (await pipeline.analyze(picture, 'binary', { template: false, ...more })).faces[0]?.box;
    const full = await boxOf({});
    assert.deepEqual(await boxOf({ largestOnly: true, liveness: true }), full);
    assert.notDeepEqual(await boxOf({ largestOnly: true }), full);
  });

  test('does not look again at what is much smaller than a certain face', async () => {
    const pipeline = await loadPipeline(executor, (await openModelPack('yunet')).pipeline);
    const picture = await sharp(photograph(5)).resize(640, 480).png().toBuffer();
    const all = await pipeline.analyze(picture, 'binary', request);
    const largest = await pipeline.analyze(picture, 'binary', { ...request, largestOnly: true });
    assert.deepEqual(largest.faces[0]?.box, all.faces[0]?.box);
    assert.ok(largest.looks < all.looks, `${largest.looks} and ${all.looks}`);
  });
});

for (const [name, least] of [
  ['faceplugin', 0.85],
  ['yunet', 0.95],
] as const) {
  describe(`the detector of ${name}`, () => {
    let pipeline: Pipeline;
    before(async () => {
      pipeline = await loadPipeline(executor, (await openModelPack(name)).pipeline);
    });
    const facesOf = async (picture: Buffer, request: AnalysisRequest = {}) =>
      (await pipeline.analyze(picture, 'binary', { described: 0, template: false, ...request })).faces;

    test(`finds each face ${LEAST} pixels wide of a picture of 1920 x 1080 once, wherever it is`, async () => {
      let expected = 0;
      let met = 0;
      for (const number of [1, 3, 4, 5, 6]) {
        const { input, boxes } = await shrunk(number, LEAST);
        const { width = 0, height = 0 } = await sharp(input).metadata();
        for (const [across, down] of [
          [0, 0],
          [0.37, 0.29],
          [1, 1],
        ] as const) {
          const left = Math.floor(across * (FULL_HD.width - width));
          const top = Math.floor(down * (FULL_HD.height - height));
          const faces = await facesOf(await canvas(FULL_HD, [{ input, left, top }]));
          const found = boxes.filter((box) => isMet(moved(box, 1, left, top), faces));
          expected += boxes.length;
          met += found.length;
          assert.equal(
            faces.length,
            found.length,
            `no face twice, and none where nobody is: photograph ${number}`,
          );
        }
      }
      assert.ok(met >= least * expected, `${met} of ${expected}`);
    });

    test('finds small and large faces of one picture', async () => {
      const small = await shrunk(3, 1.25 * LEAST);
      const large = await shrunk(4, 100);
      const picture = await canvas(FULL_HD, [
        { input: large.input, left: 20, top: 0 },
        { input: small.input, left: 1470, top: 60 },
      ]);
      assertFound(await facesOf(picture), [
        ...small.boxes.map((box) => moved(box, 1, 1470, 60)),
        ...large.boxes.map((box) => moved(box, 1, 20, 0)),
      ]);
    });

    test('finds a face that fills a picture of any size once', async () => {
      const [box] = SAMPLES[0] as [Box];
      for (const [width, height] of [
        [64, 80],
        [640, 800],
        [1600, 2000],
      ] as const) {
        const picture = await sharp(photograph(1))
          .extract({ left: box.x - 10, top: box.y - 20, width: box.width + 20, height: box.height + 32 })
          .resize(width, height, { fit: 'fill' })
          .jpeg({ quality: 90 })
          .toBuffer();
        const faces = await facesOf(picture);
        assert.equal(faces.length, 1, `${width} x ${height}`);
        assert.ok((faces[0] as AnalyzedFace).box.width > 0.7 * width);
      }
    });

    test('finds smaller faces of a large picture where minFaceSize asks for them', async () => {
      const size = { width: 3840, height: 2880 };
      const { input, boxes } = await shrunk(6, 36);
      const laid = [{ input, left: 2011, top: 1733 }];
      const picture = await sharp(await canvas(size, laid))
        .jpeg({ quality: 95 })
        .toBuffer();
      assertFound(
        await facesOf(picture, { minFaceSize: 32 }),
        boxes.map((box) => moved(box, 1, 2011, 1733)),
      );
      const coarse = await facesOf(picture, { minFaceSize: 512 });
      assert.ok(coarse.length < boxes.length);
    });

    test('finds the smallest faces of a panorama that an image of its area has', async () => {
      const wild = new URL(
        '../../../../test/fixtures/wild/panorama-8000x1200/face-100px.jpg',
        import.meta.url,
      );
      const found = await facesOf(await readFile(wild));
      assert.equal(found.length, 1);
      const { input, boxes } = await shrunk(6, 66);
      for (const [size, left, top] of [
        [{ width: 8000, height: 1200 }, 5011, 433],
        [{ width: 1200, height: 8000 }, 301, 4733],
        [{ width: 3600, height: 2667 }, 2011, 1733],
      ] as const) {
        const picture = await sharp(await canvas(size, [{ input, left, top }]))
          .jpeg({ quality: 95 })
          .toBuffer();
        const faces = await facesOf(picture);
        const expected = boxes.map((box) => moved(box, 1, left, top));
        assert.ok(
          expected.every((box) => isMet(box, faces)),
          `${size.width} x ${size.height}`,
        );
      }
    });

    test('draws boxes from the hairline to the chin, inside the picture', async () => {
      const overlaps: number[] = [];
      for (const [i, boxes] of SAMPLES.entries()) {
        const { faces, width, height } = await pipeline.analyze(photograph(i + 1), 'binary', {
          template: false,
        });
        assert.equal(faces.length, boxes.length);
        for (const { box } of faces) {
          assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height);
        }
        for (const box of boxes) overlaps.push(Math.max(...faces.map((face) => overlap(face.box, box))));
      }
      const mean = overlaps.reduce((sum, value) => sum + value) / overlaps.length;
      assert.ok(mean > 0.82, `mean intersection over union ${mean.toFixed(3)}`);
      assert.ok(Math.min(...overlaps) > 0.65, `least ${Math.min(...overlaps).toFixed(2)}`);
    });

    test('refuses a least face that is none', async () => {
      for (const minFaceSize of [0, 15, 8193, Number.NaN]) {
        await assert.rejects(async () => facesOf(photograph(1), { minFaceSize }), /minFaceSize/);
      }
    });
  });
}
