import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../recognition/service.ts';
import { commandsOf, runCommands } from './documentation.ts';
import { startChild, temporaryFolder } from './service.ts';

test("the README's first ten minutes go as they are written", async () => {
  const folder = await temporaryFolder();
  const service = await startChild(folder.path);
  try {
    const commands = (await commandsOf('README.md')).find((block) => block.includes('keys create'));
    assert.ok(commands, 'the README has its commands');
    const answers = (await runCommands(commands, service, folder.path)) as Answer[];
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
