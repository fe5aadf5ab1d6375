import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { searchSpaceFile } from '../../src/vision/search-space.ts';
import { smallSpace } from '../../testing/small-space.ts';

const CONTENT = 'not a network, but its hash is right';
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const INPUT = { width: 112, height: 112, channels: 'RGB', mean: 0, scale: 1 };

function manifest(): Record<string, unknown> {
  return {
    manifestVersion: 1,
    name: 'tiny',
    version: '7',
    files: [{ name: 'net.onnx', bytes: CONTENT.length, sha256: SHA256 }],
    detector: {
      file: 'net.onnx',
      decoder: 'rfb',
      input: INPUT,
      faceWidths: { least: 16, most: 100 },
      scoreThreshold: 0.7,
      nmsIou: 0.3,
    },
    landmarks: { file: 'net.onnx', decoder: 'points68', input: INPUT, cropScale: 1.2 },
    embedder: { file: 'net.onnx', alignment: 'arcface5', input: INPUT, dimension: 128 },
    calibration: {
      points: [
        [-1, 0],
        [1, 100],
      ],
      excluded: [{ people: ['A', 'B'], pairs: 3 }],
    },
  };
}

function packFolder(t: TestContext, change: (manifest: Record<string, unknown>) => void = () => {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const changed = manifest();
  change(changed);
  writeFileSync(join(folder, 'net.onnx'), CONTENT);
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(changed));
  return folder;
}

function withSearchSpace(space: Uint8Array): (manifest: Record<string, unknown>) => void {
  const sha256 = createHash('sha256').update(space).digest('hex');
  return (manifest) => {
    (manifest.files as object[]).push({ name: 'space.bin', bytes: space.length, sha256 });
    manifest.search = { file: 'space.bin' };
  };
}

describe('a model pack', () => {
  test('is found by its name, with absolute paths', async () => {
    const pack = await openModelPack('faceplugin');
    assert.equal(pack.name, 'faceplugin');
    assert.equal(pack.pipeline.embedder.dimension, 512);
    assert.equal(pack.pipeline.detector.file, join(pack.folder, 'fr_detect.onnx'));
  });

  test('is found by its path', async (t) => {
    const folder = packFolder(t);
    const pack = await openModelPack(folder);
    assert.deepEqual([pack.name, pack.version, pack.folder], ['tiny', '7', folder]);
    assert.ok(pack.excludes('B', 'A'));
    assert.ok(!pack.excludes('A', 'C'));
  });

  test('that is not there is named', async () => {
    await assert.rejects(openModelPack('no-such-pack'), /no model pack "no-such-pack"/);
  });

  test('with an altered file is refused with the file and the expected hash', async (t) => {
    const folder = packFolder(t);
    writeFileSync(join(folder, 'net.onnx'), CONTENT.replace('not', 'now'));
    await assert.rejects(openModelPack(folder), (error: Error) => {
      assert.ok(error.message.includes(join(folder, 'net.onnx')));
      assert.ok(error.message.includes(SHA256));
      return true;
    });
  });

  test('with a missing file is refused with the file and the expected hash', async (t) => {
    const folder = packFolder(t);
    unlinkSync(join(folder, 'net.onnx'));
    await assert.rejects(openModelPack(folder), new RegExp(`net\\.onnx .*${SHA256}.* cannot be read`));
  });

  test('offers its search space, checked like every other file', async (t) => {
    const space = searchSpaceFile(smallSpace(128));
    const folder = packFolder(t, withSearchSpace(space));
    writeFileSync(join(folder, 'space.bin'), space);
    assert.deepEqual((await openModelPack(folder)).searchSpace, space);
    assert.equal((await openModelPack(packFolder(t))).searchSpace, null);
    writeFileSync(join(folder, 'space.bin'), Buffer.from(space).fill(1, 100, 104));
    await assert.rejects(openModelPack(folder), /space\.bin has been altered/);
  });

  test('with a search space of another dimension is refused with both dimensions', async (t) => {
    const space = searchSpaceFile(smallSpace(64));
    const folder = packFolder(t, withSearchSpace(space));
    writeFileSync(join(folder, 'space.bin'), space);
    await assert.rejects(openModelPack(folder), /space\.bin: Expected .* of 128 dimensions, got 64\.$/);
  });

  const mistakes: [name: string, change: (manifest: Record<string, unknown>) => void, expected: RegExp][] = [
    ['an unknown field', (m) => Object.assign(m, { detektor: {} }), /detektor/],
    ['a missing stage', (m) => delete m.embedder, /embedder/],
    [
      'a file outside of its folder',
      (m) => Object.assign(m, { files: [{ name: '../x', bytes: 1, sha256: SHA256 }] }),
      /\/files\/0\/name/,
    ],
    [
      'a stage whose file is not listed',
      (m) => Object.assign(m.detector as object, { file: 'other.onnx' }),
      /other\.onnx/,
    ],
    [
      'a search space that is not listed',
      (m) => Object.assign(m, { search: { file: 'space.bin' } }),
      /uses space\.bin, which is missing from "files"/,
    ],
    [
      'an unknown decoder',
      (m) => Object.assign(m.detector as object, { decoder: 'magic' }),
      /\/detector\/decoder/,
    ],
    [
      'a falling scale',
      (m) =>
        Object.assign(m, {
          calibration: {
            points: [
              [0, 0],
              [1, 100],
              [2, 50],
            ],
          },
        }),
      /does not increase both values/,
    ],
    ['another manifest version', (m) => Object.assign(m, { manifestVersion: 2 }), /manifestVersion/],
  ];
  for (const [name, change, expected] of mistakes) {
    test(`with ${name} is refused, and the message says so`, async (t) => {
      await assert.rejects(openModelPack(packFolder(t, change)), expected);
    });
  }

  const look = { file: 'net.onnx', input: INPUT, classes: ['live', 'print'], threshold: 0.5 };
  const crop = { mode: 'box', scale: 2.7, padding: 'black' };

  test('lists any number of looks at liveness, also with one network', async (t) => {
    const looks = [
      { ...look, crop },
      { ...look, crop: { mode: 'square', scale: 4, padding: 'none' }, classes: ['other', 'live', 'replay'] },
    ];
    const folder = packFolder(t, (m) => Object.assign(m, { liveness: looks }));
    const { pipeline } = await openModelPack(folder);
    const file = join(folder, 'net.onnx');
    assert.deepEqual(
      pipeline.liveness,
      looks.map((each) => ({ ...each, file })),
    );
  });

  test('of the early form has one look, at a square inside the image', async (t) => {
    const folder = packFolder(t, (m) => Object.assign(m, { liveness: { ...look, cropScale: 2.7 } }));
    const { pipeline } = await openModelPack(folder);
    const square = { mode: 'square', scale: 2.7, padding: 'none' };
    assert.deepEqual(pipeline.liveness, [{ ...look, file: join(folder, 'net.onnx'), crop: square }]);
  });

  for (const [name, liveness, expected] of [
    ['no look', [], /liveness/],
    ['a look without a crop', [look], /\/liveness\/0 .*crop/],
    ['an unknown crop', [{ ...look, crop: { ...crop, mode: 'circle' } }], /\/liveness\/0\/crop\/mode/],
    ['two live classes', [{ ...look, crop, classes: ['live', 'live'] }], /\/liveness\/0\/classes/],
  ] as const) {
    test(`with ${name} is refused`, async (t) => {
      const folder = packFolder(t, (m) => Object.assign(m, { liveness }));
      await assert.rejects(openModelPack(folder), expected);
    });
  }

  test('whose manifest is no JSON is refused with its path', async (t) => {
    const folder = packFolder(t);
    writeFileSync(join(folder, 'manifest.json'), '{');
    await assert.rejects(openModelPack(folder), /manifest\.json is not valid/);
  });
});
