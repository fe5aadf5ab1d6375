import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { writeCohort } from '../../src/cli/models-cohort.ts';
import { cohortFile, cohortOf } from '../../src/vision/cohort.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { portrait } from '../../testing/photographs.ts';
import { secondPack } from '../../testing/second-pack.ts';
import { visagectl } from '../../testing/service.ts';

describe('visagectl models cohort', () => {
  test('needs images of many people, and leaves the pack as it is without them', async (t) => {
    const faces = mkdtempSync(join(tmpdir(), 'visage-test-'));
    const pack = secondPack();
    t.after(() => {
      rmSync(faces, { recursive: true });
      pack.remove();
    });
    writeFileSync(join(faces, 'anna.jpg'), await portrait('anna'));
    const manifest = readFileSync(join(pack.folder, 'manifest.json'), 'utf8');
    const { code, stdout, stderr } = await visagectl(
      ['models', 'cohort', faces, '--pack', pack.folder, '--write'],
      {},
    );
    assert.deepEqual([code, stdout], [65, '']);
    assert.match(stderr, /needs at least 2000 images with a face below .*, got 1\.\n$/);
    assert.equal(readFileSync(join(pack.folder, 'manifest.json'), 'utf8'), manifest);
  });

  test('names a folder of images that it cannot read', async () => {
    for (const [name, option] of [
      ['cohort', []],
      ['calibrate', []],
      ['basis', ['yunet', '--faces']],
    ] as const) {
      const { code, stdout, stderr } = await visagectl(['models', name, ...option, '/nowhere'], {});
      assert.deepEqual([code, stdout], [65, ''], name);
      assert.equal(stderr, 'visagectl: /nowhere: expected a readable folder of images, got ENOENT.\n');
    }
  });

  test('writes a cohort that the pack then offers, and removes the scale of the earlier scores', async (t) => {
    const { folder, remove } = secondPack();
    t.after(remove);
    const before = await openModelPack(folder);
    assert.ok(before.similarity);
    for (const first of [0.5, 0.25]) {
      const content = cohortFile(cohortOf([new Float32Array(512).fill(first).fill(1, 256)], 1, 0.5));
      assert.equal(await writeCohort(before, content), join(folder, 'cohort.bin'));
      const pack = await openModelPack(folder);
      assert.deepEqual([pack.cohort, pack.similarity], [content, null]);
      assert.deepEqual(pack.hashes.get(join(folder, 'cohort.bin'))?.length, 64);
    }
    writeFileSync(join(folder, 'cohort.bin'), 'other');
    await assert.rejects(openModelPack(folder), /has been altered/);
  });

  test('names a cohort of templates of another length', async (t) => {
    const { folder, remove } = secondPack();
    t.after(remove);
    await writeCohort(
      await openModelPack(folder),
      cohortFile(cohortOf([new Float32Array(64).fill(1)], 1, 0.5)),
    );
    await assert.rejects(
      openModelPack(folder),
      /cohort .*Expected a cohort of templates of 512 dimensions, got 64/,
    );
  });
});
