import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startChild, temporaryFolder, visagectl } from '../../testing/service.ts';
import { beginning, killWhen, largeFolder, run } from './killed-command.ts';

describe('A kill', () => {
  test('of a backup leaves the store and older backups as they were, and the next one clears up', async (t) => {
    const { data, backups } = await largeFolder(t);
    const args = ['backup', '--to', backups, '--keep', '1', '--data-dir', data];
    const older = await run(...args);
    assert.ok(await killWhen(() => beginning(backups, '.unfinished'), args), 'it was killed amid its work');
    assert.ok(beginning(backups, '.unfinished'));
    await run('verify', older);
    await run('verify', '--data-dir', data);
    const next = await run(...args);
    assert.deepEqual(
      readdirSync(backups).map((name) => join(backups, name)),
      [join(backups, '.lock'), next],
    );
  });

  for (const [moment, start] of [
    ['while it copies', 'restoring'],
    ['when it has set aside what was there', 'replaced-'],
  ] as const) {
    test(`of a restore ${moment} leaves a whole store, and restoring again works`, async (t) => {
      const { data, backups } = await largeFolder(t);
      const backup = await run('backup', '--to', backups, '--data-dir', data);
      const args = ['restore', backup, '--replace', '--data-dir', data];
      await killWhen(() => beginning(data, start), args);
      assert.match(await run('verify', '--data-dir', data), /is sound: 20000 faces/);
      await run(...args);
      assert.match(await run('verify', '--data-dir', data), /is sound: 20000 faces/);
      assert.ok(!existsSync(join(data, 'restoring')));
    });
  }
});

test('A backup into the data folder, which would be lost with it, is refused', async (t) => {
  const { path, remove } = await temporaryFolder();
  t.after(remove);
  for (const target of [path, join(path, 'backups'), join(path, 'a', '..', 'b')]) {
    const { code, stderr } = await visagectl(['backup', '--to', target, '--data-dir', path], {});
    assert.deepEqual([code, /expected a folder outside the data folder/.test(stderr)], [64, true]);
  }
  assert.deepEqual(readdirSync(path), []);
});

test('A backup is restored over nothing that lives or is full, unless that is said', async (t) => {
  const folder = await temporaryFolder();
  t.after(() => folder.remove());
  const [data, backups] = [join(folder.path, 'data'), join(folder.path, 'backups')];
  const service = await startChild(data);
  t.after(() => service.stop());
  const settings = { VISAGE_DATA_DIR: data };
  const key = (await visagectl(['keys', 'create', '--name', 'a'], settings)).stdout.trim();
  const backup = (await visagectl(['backup', '--to', backups], settings)).stdout.trim();
  const alive = await visagectl(['restore', backup, '--replace'], settings);
  assert.deepEqual([alive.code, /The service is running .* Stop it/.test(alive.stderr)], [75, true]);
  await service.stop();
  const full = await visagectl(['restore', backup], settings);
  assert.deepEqual([full.code, /not empty\. Add --replace/.test(full.stderr)], [65, true]);

  writeFileSync(join(data, 'snapshots', '1.snapshot'), 'of the state that is replaced');
  const replaced = await visagectl(['restore', backup, '--replace', '--json'], settings);
  assert.equal(replaced.code, 0, replaced.stderr);
  assert.ok(!existsSync(join(data, 'snapshots')));
  const log = await visagectl(['audit', 'export', '--data-dir', JSON.parse(replaced.stdout).replaced], {});
  assert.match(log.stdout, /api-key\.create/);
  const again = await startChild(data);
  t.after(() => again.stop());
  const answer = await fetch(`${again.url}/v1/collection/get-all`, { headers: { 'X-API-Key': key } });
  assert.equal(answer.status, 200);
  const entries = (await visagectl(['audit', 'export'], settings)).stdout;
  assert.match(entries, /store\.restore/);
});
