import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { BackupJob } from '../../src/appliance/backup-job.ts';
import { startVisagectl } from '../../src/appliance/visagectl.ts';
import { Store } from '../../src/store/store.ts';
import { childEnvironment } from '../../testing/service.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

function jobIn(folder: string, target: string | null): BackupJob {
  const environment = childEnvironment({
    VISAGE_DATA_DIR: join(folder, 'data'),
    VISAGE_BACKUP_KEY: join(folder, 'keys', 'backup.key'),
  });
  return new BackupJob({
    target: () => (target === null ? null : { folder: target, keep: 2 }),
    start: (args) => startVisagectl(args, environment),
    now: Date.now,
    log: pino({ level: 'silent' }),
  });
}

async function end(job: BackupJob) {
  while (job.state.state === 'running') await sleep(20);
  return job.state;
}

describe('A backup job', () => {
  test('is refused without a folder', (t) => {
    const job = jobIn(temporaryFolder(t), null);
    assert.throws(() => job.start(), {
      code: 'VALIDATION_FAILED',
      message: /^The setting backup_dir names no/,
    });
    assert.equal(job.state.state, 'none');
  });

  test('fails with the reason of the command, and succeeds once the cause is gone', async (t) => {
    const folder = temporaryFolder(t);
    const target = join(folder, 'backups');
    await Store.open(join(folder, 'data')).close();
    mkdirSync(target);
    mkdirSync(join(folder, 'keys'), { mode: 0o700 });
    writeFileSync(join(folder, 'keys', 'backup.key'), 'no key\n', { mode: 0o600 });
    const job = jobIn(folder, target);
    assert.deepEqual([job.start().state, job.start().state], ['running', 'running']);
    const failed = await end(job);
    assert.deepEqual([failed.state, failed.bytes], ['failed', null]);
    assert.match(String(failed.detail), /holds no backup key/);
    assert.equal(job.failure, failed.detail);
    assert.ok((failed.endedAt as number) >= (failed.startedAt as number));
    writeFileSync(join(folder, 'keys', 'backup.key'), `${'ab'.repeat(32)}\n`);
    job.start();
    const made = await end(job);
    assert.deepEqual([made.state, made.detail, job.failure], ['succeeded', null, null]);
    assert.ok((made.bytes as number) > 10_000);
    assert.equal(readdirSync(target).filter((name) => name.startsWith('visage-')).length, 1);
  });

  test('that runs at a stop ends, and leaves no backup that looks whole', async (t) => {
    const folder = temporaryFolder(t);
    const target = join(folder, 'backups');
    await Store.open(join(folder, 'data')).close();
    const job = jobIn(folder, target);
    job.start();
    await job.close();
    assert.equal((await end(job)).state, 'failed');
    const names = readdirSync(folder).includes('backups') ? readdirSync(target) : [];
    assert.ok(!names.some((name) => /^visage-.*Z$/.test(name)), String(names));
  });
});
