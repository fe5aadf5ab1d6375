import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../testing/recognition-service.ts';
import { startChild, temporaryFolder } from '../../testing/service.ts';
import { commandsOf, runCommands } from './documentation.ts';

test('the commands of docs/recognition.md go as written', async () => {
  const folder = await temporaryFolder();
  const service = await startChild(folder.path);
  try {
    const commands = (await commandsOf('docs/recognition.md')).join('');
    const answers = (await runCommands(commands, service, folder.path)) as Answer[];
    const [created, retried, detected, images, first, second, key, batch, ...found] = answers;
    const [identified, byId, everyone, threshold, rated, rates, ...read] = found;
    const [live, list, face, unnamed, people, renamed, ...managed] = read;
    const [quality, refused, bound, collection, kept, ...rest] = managed;
    assert.deepEqual(rest, []);
    assert.deepEqual(created, { collectionId: 'guests' });
    assert.deepEqual([retried.externalKey, retried.result], ['ada', 'Created']);
    assert.equal(detected.faces.length, 2);
    assert.ok(detected.unprocessedFaceCount >= 2);
    assert.equal(detected.faces[0].landmarks.length, 5);
    assert.equal(images.isMatch, true);
    assert.deepEqual([first.result, second.result], ['Created', 'Updated']);
    assert.equal(key.isMatch, true);
    assert.ok(key.similarity > images.similarity, 'the key has the very image');
    assert.deepEqual(
      batch.results.map(({ result }: Answer) => result),
      ['Created', 'Created'],
    );
    assert.deepEqual(
      identified.matches.map(({ externalKey, rank }: Answer) => [externalKey, rank]),
      [
        ['anna', 1],
        ['ada', 2],
      ],
    );
    assert.equal(byId.faceId, first.faceId);
    assert.equal(everyone.faces.length, 3);
    const known = everyone.faces.flatMap(({ matches }: Answer) => matches.slice(0, 1));
    assert.deepEqual(
      known.map(({ externalKey }: Answer) => externalKey),
      ['ada'],
    );
    assert.deepEqual([everyone.unprocessedFaceCount, everyone.faceMatchThreshold], [0, 80]);
    assert.deepEqual(threshold, { collectionId: 'guests' });
    // 0.001 among the page's five faces.
    assert.deepEqual([rated.faceMatchThreshold, rated.matches[0].externalKey], [76.99, 'anna']);
    assert.deepEqual(rates, { collectionId: 'guests' });
    assert.equal(live.hasFace, true);
    assert.deepEqual(
      list.faces.map(({ faceId }: Answer) => faceId),
      [retried.faceId, first.faceId],
    );
    assert.equal(typeof list.nextCursor, 'string');
    assert.deepEqual([face.externalKey, face.faceId], ['bea', batch.results[0].faceId]);
    assert.deepEqual(unnamed.faces, []);
    assert.deepEqual(
      people.people.map(({ externalKey }: Answer) => externalKey),
      ['bea'],
    );
    assert.deepEqual([renamed.externalKey, renamed.faceCount], ['beatrice', 1]);
    assert.deepEqual(quality, { collectionId: 'guests' });
    assert.equal(refused.refusal.code, 'LOW_QUALITY');
    assert.ok(refused.face.quality.score < 75 && refused.face.quality.reasons.length > 0);
    assert.deepEqual(bound, { collectionId: 'visitors' });
    assert.equal(collection.recognitionCollection.model, 'yunet');
    assert.deepEqual(kept, { collectionId: 'visitors' });
  } finally {
    await service.stop();
    await folder.remove();
  }
});
