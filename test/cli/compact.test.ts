import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { childEnvironment, ROOT, startChild, temporaryFolder, visagectl } from '../../testing/service.ts';
import { FACE, rowOf, storeWithCollection } from '../../testing/temporary-store.ts';
import { beginning, killWhen, largeFolder, run } from './killed-command.ts';

describe('A kill of a compaction', () => {
  for (const [moment, call, when] of [
    ['when its folder is made', 'mkdir', 1],
    ['before the copy takes the place of the store', 'rename', 1],
    ['after it', 'unlink', 1],
  ] as const) {
    test(`${moment} leaves a whole store, and compacting again works`, async (t) => {
      const folder = await temporaryFolder();
      t.after(() => folder.remove());
      const data = join(folder.path, 'data');
      const { store, owner } = await storeWithCollection(data);
      for (let n = 0; n < 50; n++) await store.faces.add(owner, 'people', FACE, rowOf(n));
      await store.close();
      const inject = `inject=${call}:signal=SIGKILL:when=${when}`;
      const program = join(ROOT, 'dist/src/cli/main.js');
      const traced = [
        '-e',
        `trace=${call}`,
        '-e',
        inject,
        process.execPath,
        program,
        'compact',
        '--data-dir',
        data,
      ];
      const child = spawn('strace', ['-o', join(folder.path, 'trace'), ...traced], {
        env: childEnvironment({}),
        stdio: 'ignore',
      });
      await once(child, 'close');
      const trace = readFileSync(join(folder.path, 'trace'), 'utf8');
      assert.match(trace, /killed by SIGKILL/);
      if (call === 'rename') assert.match(trace, /compacting\/data\.mdb/);
      assert.match(await run('verify', '--data-dir', data), /is sound: 50 faces/);
      assert.match(await run('compact', '--data-dir', data), /Compacted .* from .* MiB to .* MiB\.$/);
      assert.match(await run('verify', '--data-dir', data), /is sound: 50 faces/);
      assert.ok(!existsSync(join(data, 'compacting')));
    });
  }

  test('while it copies leaves a whole store', async (t) => {
    const { data } = await largeFolder(t);
    const args = ['compact', '--data-dir', data];
    assert.ok(await killWhen(() => beginning(join(data, 'compacting'), 'data.mdb'), args));
    assert.match(await run('verify', '--data-dir', data), /is sound: 20000 faces/);
    await run(...args);
    assert.match(await run('verify', '--data-dir', data), /is sound: 20000 faces/);
  });
});

test('A store is compacted only while no service works on it', async (t) => {
  const folder = await temporaryFolder();
  t.after(() => folder.remove());
  const data = join(folder.path, 'data');
  const service = await startChild(data);
  t.after(() => service.stop());
  const settings = { VISAGE_DATA_DIR: data };
  const alive = await visagectl(['compact'], settings);
  assert.deepEqual(
    [alive.code, /The service is running .* Stop it .*, run `visagectl compact`, and/.test(alive.stderr)],
    [75, true],
  );
  const key = (await visagectl(['keys', 'create', '--name', 'a'], settings)).stdout.trim();
  await service.stop();
  const stopped = await visagectl(['compact', '--json'], settings);
  assert.equal(stopped.code, 0, stopped.stderr);
  const { before, after } = JSON.parse(stopped.stdout);
  assert.ok(before > 0 && after > 0);
  const again = await startChild(data);
  t.after(() => again.stop());
  const answer = await fetch(`${again.url}/v1/collection/get-all`, { headers: { 'X-API-Key': key } });
  assert.equal(answer.status, 200);
  assert.match((await visagectl(['audit', 'export'], settings)).stdout, /store\.compact/);
});
