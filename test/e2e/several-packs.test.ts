import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portrait } from '../../testing/photographs.ts';
import { secondPack } from '../../testing/second-pack.ts';
import { startChild, temporaryFolder, visagectl } from '../../testing/service.ts';

test('A collection of a pack is searched while that pack is loaded, and answers NOT_READY while it is not', async (t) => {
  const folder = await temporaryFolder();
  const pack = secondPack();
  t.after(async () => {
    pack.remove();
    await folder.remove();
  });
  const image = { bytes: (await portrait('anna')).toString('base64') };
  const settings = { VISAGE_EXTRA_MODEL_PACKS: pack.folder };
  let key = '';

  const during = async (environment: Record<string, string>, ...calls: [string, unknown][]) => {
    const child = await startChild(folder.path, environment);
    try {
      const made = await visagectl(['keys', 'create', '--name', 'k'], { VISAGE_DATA_DIR: folder.path });
      key ||= made.stdout.trim();
      const headers = { 'X-API-Key': key, 'Content-Type': 'application/json' };
      const bodies: Record<string, unknown>[] = [];
      for (const [path, json] of calls) {
        const init = { method: 'POST', headers, body: JSON.stringify(json) };
        const answer = await fetch(`${child.url}/v1/${path}`, init);
        bodies.push((await answer.json()) as Record<string, unknown>);
      }
      return bodies;
    } finally {
      await child.stop();
    }
  };

  const collectionId = 'c';
  const search: [string, unknown] = ['face/search', { collectionId, image }];
  const [created, enrolled] = await during(
    settings,
    ['collection/create', { collectionId, model: 'second' }],
    ['face/enroll', { collectionId, image, externalKey: 'anna' }],
  );
  assert.deepEqual(created, { collectionId });
  assert.equal(enrolled?.result, 'Created');
  const [refused, unknown] = await during({}, search, ['face/detect', { image, model: 'second' }]);
  assert.equal(refused?.code, 'NOT_READY');
  assert.match(String(refused?.detail), /model pack second/);
  assert.equal(unknown?.code, 'VALIDATION_FAILED');
  const [found] = await during(settings, search);
  assert.deepEqual([found?.faceId, found?.externalKey], [enrolled?.faceId, 'anna']);
});
