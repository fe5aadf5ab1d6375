import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { childEnvironment, ROOT, startChild, temporaryFolder } from './service.ts';

/** The commands of the README's first ten minutes, as they stand there. */
async function firstTenMinutes(): Promise<string> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const commands = /## The first ten minutes\n[\s\S]*?```sh\n([\s\S]*?)```/.exec(readme)?.[1];
  assert.ok(commands, 'the README has its commands');
  return commands;
}

test("the README's first ten minutes go as they are written", async () => {
  const folder = await temporaryFolder();
  const service = await startChild(folder.path);
  try {
    const commands = (await firstTenMinutes()).replace('http://127.0.0.1:8080', service.url);
    const { stdout } = await promisify(execFile)(
      'bash',
      ['-euo', 'pipefail', '-c', commands.replaceAll('curl ', 'curl -sS ')],
      {
        cwd: ROOT,
        env: childEnvironment({ VISAGE_DATA_DIR: folder.path }),
      },
    );
    const answers = stdout.split(/(?<=\})(?=\{)/).map((text) => JSON.parse(text));
    const [created, indexed, found, stranger, keySet, faceIds, deleted] = answers;
    assert.equal(answers.length, 7);
    assert.deepEqual(created, { collectionId: 'staff' });
    assert.match(indexed.faceId, /^face_/);
    assert.equal(found.faceId, indexed.faceId);
    assert.ok(found.similarity > 96 && found.similarity < 98, 'about 97, as the README says');
    assert.equal(stranger.hasFace, true);
    assert.equal(stranger.faceId, null);
    assert.deepEqual(keySet, { faceId: indexed.faceId, externalKey: 'employee-7', result: 'Created' });
    assert.deepEqual(faceIds.faceIds, [indexed.faceId]);
    assert.deepEqual(deleted, {});
  } finally {
    await service.stop();
    await folder.remove();
  }
});
