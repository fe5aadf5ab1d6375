import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../recognition/service.ts';
import { commandsOf, runCommands } from './documentation.ts';
import { startChild, temporaryFolder } from './service.ts';

test('the commands of docs/recognition.md go as they are written', async () => {
  const folder = await temporaryFolder();
  const service = await startChild(folder.path);
  try {
    const commands = (await commandsOf('docs/recognition.md')).join('');
    const answers = (await runCommands(commands, service, folder.path)) as Answer[];
    assert.equal(answers.length, 15);
    const [created, detected, pictures, first, second, key, batch, identified, live] = answers;
    const [list, face, updated, refused, bound, collection] = answers.slice(9);
    assert.deepEqual(created, { collectionId: 'guests' });
    assert.equal(detected.faces.length, 2);
    assert.ok(detected.unprocessedFaceCount >= 2);
    assert.equal(detected.faces[0].landmarks.length, 5);
    assert.equal(pictures.isMatch, true);
    assert.deepEqual([first.result, second.result], ['Created', 'Updated']);
    assert.equal(key.isMatch, true);
    assert.ok(key.similarity > pictures.similarity, 'one of the two pictures is the one searched for');
    assert.deepEqual(
      batch.results.map(({ result }: Answer) => result),
      ['Created', 'Created'],
    );
    assert.deepEqual(
      identified.matches.map(({ externalKey, rank }: Answer) => [externalKey, rank]),
      [['anna', 1]],
    );
    assert.equal(live.hasFace, true);
    assert.deepEqual(
      list.faces.map(({ faceId }: Answer) => faceId),
      [first.faceId, second.faceId],
    );
    assert.equal(typeof list.nextCursor, 'string');
    assert.deepEqual([face.externalKey, face.faceId], ['bea', batch.results[0].faceId]);
    assert.deepEqual(updated, { collectionId: 'guests' });
    assert.equal(refused.refusal.code, 'LOW_QUALITY');
    assert.ok(refused.face.quality.score < 40 && refused.face.quality.reasons.length > 0);
    assert.deepEqual(bound, { collectionId: 'visitors' });
    assert.equal(collection.recognitionCollection.model, 'faceplugin');
  } finally {
    await service.stop();
    await folder.remove();
  }
});
