import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Answer } from '../../testing/recognition-service.ts';
import { ROOT, startChild, temporaryFolder } from '../../testing/service.ts';
import { commandsOf, runCommands } from './documentation.ts';

async function answersTo(commands: string): Promise<Answer[]> {
  const folder = await temporaryFolder();
  const service = await startChild(folder.path);
  try {
    return (await runCommands(commands, service, folder.path)) as Answer[];
  } finally {
    await service.stop();
    await folder.remove();
  }
}

test("the README's first match goes as written", async () => {
  const commands = (await commandsOf('README.md')).find((block) => block.includes('keys create'));
  assert.ok(commands, 'the README has its commands');
  assert.ok(commands.trimEnd().split('\n').length <= 10, 'a first match in ten lines');
  const [created, enrolled, found, ...rest] = await answersTo(commands);
  assert.deepEqual(rest, []);
  assert.deepEqual(created, { collectionId: 'staff' });
  assert.equal(enrolled.result, 'Created');
  assert.equal(found.faceId, enrolled.faceId);
  assert.equal(found.externalKey, 'anna');
  const shown = /"externalKey":"anna","similarity":([\d.]+)/.exec(
    readFileSync(join(ROOT, 'README.md'), 'utf8'),
  )?.[1];
  assert.ok(
    Math.abs(found.similarity - Number(shown)) < 0.5,
    `${found.similarity}; the README shows ${shown}`,
  );
});

test('the README has 120 lines at most', () => {
  const lines = readFileSync(join(ROOT, 'README.md'), 'utf8').trimEnd().split('\n').length;
  assert.ok(lines <= 120, `${lines} lines`);
});

test('the commands of docs/tutorial.md go as written', async () => {
  const commands = (await commandsOf('docs/tutorial.md')).join('');
  const [created, indexed, found, stranger, keySet, faceIds, deleted, loggedIn, ...rest] =
    await answersTo(commands);
  assert.deepEqual(rest, []);
  assert.deepEqual(created, { collectionId: 'staff' });
  assert.match(indexed.faceId, /^face_/);
  assert.equal(found.faceId, indexed.faceId);
  assert.ok(found.similarity > 96 && found.similarity < 98, 'about 97, as the page says');
  assert.equal(stranger.hasFace, true);
  assert.equal(stranger.faceId, null);
  assert.deepEqual(keySet, { faceId: indexed.faceId, externalKey: 'employee-7', result: 'Created' });
  assert.deepEqual(faceIds.faceIds, [indexed.faceId]);
  assert.deepEqual(deleted, {});
  assert.ok(loggedIn.data.token, 'the first owner logs in with the printed password');
});
