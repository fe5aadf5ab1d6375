import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { writeSpace } from '../../src/cli/models-basis.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { searchSpaceFile } from '../../src/vision/search-space.ts';
import { portrait } from '../../testing/photographs.ts';
import { secondPack } from '../../testing/second-pack.ts';
import { visagectl } from '../../testing/service.ts';
import { smallSpace } from '../../testing/small-space.ts';

describe('visagectl models basis', () => {
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
      ['models', 'basis', pack.folder, '--faces', faces, '--write'],
      {},
    );
    assert.deepEqual([code, stdout], [65, '']);
    assert.match(
      stderr,
      /Embedded 1 of 1 images\.\n.*needs at least 2000 images with a face below .*, got 1\.\n$/,
    );
    assert.equal(readFileSync(join(pack.folder, 'manifest.json'), 'utf8'), manifest);
  });

  test('asks for the folder of images', async () => {
    const { code, stderr } = await visagectl(['models', 'basis', 'faceplugin'], {});
    assert.equal(code, 64);
    assert.match(stderr, /Missing option: --faces FOLDER\./);
  });

  test('writes a search space that the pack then offers, under the same version', async (t) => {
    const { folder, remove } = secondPack();
    t.after(remove);
    const before = await openModelPack(folder);
    for (const first of [0.5, 0.25]) {
      const space = smallSpace(512);
      space.centroids[0] = first;
      assert.equal(await writeSpace(before, searchSpaceFile(space)), join(folder, 'search_space.bin'));
      const pack = await openModelPack(folder);
      assert.deepEqual(pack.searchSpace, searchSpaceFile(space));
      assert.deepEqual([pack.version, pack.pipeline], [before.version, before.pipeline]);
      assert.equal(pack.hashes.size, before.hashes.size);
    }
  });
});
