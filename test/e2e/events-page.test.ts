import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EventSourceClient } from '../../testing/event-source.ts';
import type { Answer } from '../../testing/recognition-service.ts';
import { ROOT, startChild, startService, temporaryFolder } from '../../testing/service.ts';
import { commandsOf, runCommands } from './documentation.ts';

test('the commands of docs/events.md go as written', async () => {
  const folder = await temporaryFolder();
  const service = await startChild(folder.path);
  try {
    const commands = (await commandsOf('docs/events.md')).join('');
    const [created, searched, listed] = (await runCommands(commands, service, folder.path)) as Answer[];
    assert.deepEqual(created, { collectionId: 'lobby' });
    assert.equal(searched.hasFace, true);
    const [event] = listed.events;
    assert.deepEqual([event.source, event.result, event.caller.name], ['entrance', 'no_match', 'events']);
    const page = readFileSync(join(ROOT, 'docs/events.md'), 'utf8');
    for (const field of Object.keys(event)) assert.ok(page.includes(`\`${field}\``), field);
  } finally {
    await service.stop();
    await folder.remove();
  }
});

test('a stop ends open streams at once, and keeps the events of its last moment', async () => {
  const service = await startService();
  const { key } = await service.key('--scope', 'v1:events');
  const path = '/v1/events/stream';
  const stream = await EventSourceClient.open(service.child.url + path, key);
  await stream.read();
  const { lastEventId } = stream;
  const image = readFileSync(join(ROOT, 'node_modules/@vladmandic/face-api/demo/sample1.jpg'));
  const body = { body: image, headers: { 'Content-Type': 'image/jpeg' } };
  await service.client.ok('POST', '/v1/face/liveness?source=last', body);
  const ended = stream.end();
  const began = performance.now();
  assert.equal(await service.child.stop(), 0);
  assert.ok(performance.now() - began < 5_000, 'a stop waits for no stream');
  await ended;
  const again = await startChild(service.folder);
  try {
    const resumed = await EventSourceClient.open(again.url + path, key, lastEventId || undefined);
    const listed = await service.client.at(again.url).ok('GET', '/v1/events');
    assert.deepEqual(
      listed.events.map(({ source }: Answer) => source),
      ['last'],
    );
    resumed.close();
  } finally {
    await again.stop();
    await service.stop();
  }
});
