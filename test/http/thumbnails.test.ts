import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AccessService, closeShared } from '../../testing/access-service.ts';
import { portrait } from '../../testing/photographs.ts';

let service: AccessService;
let key: string;
let target: string;

before(async () => {
  service = await AccessService.open();
  ({ key } = await service.key());
  const collectionId = 'people';
  await service.call(key, 'POST', '/v1/collection/create', { collectionId, storeThumbnails: true });
  const image = { bytes: (await portrait('anna')).toString('base64') };
  const { body } = await service.call(key, 'POST', '/v1/face/index', { collectionId, image });
  target = `/v1/face/thumbnail?collectionId=${collectionId}&faceId=${body.faceId}`;
});
after(async () => {
  await service.close();
  await closeShared();
});

const get = (headers: Record<string, string> = {}, method = 'GET') =>
  fetch(service.url + target, { method, headers: { 'X-API-Key': key, ...headers } });

describe('GET /v1/face/thumbnail', () => {
  test('answers a JPEG file that only the browser of its reader may keep', async () => {
    const response = await get();
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'image/jpeg');
    assert.equal(response.headers.get('cache-control'), 'private, no-cache');
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    const bytes = Buffer.from(await response.arrayBuffer());
    assert.equal(Number(response.headers.get('content-length')), bytes.length);
    assert.deepEqual([...bytes.subarray(0, 3), ...bytes.subarray(-2)], [0xff, 0xd8, 0xff, 0xff, 0xd9]);
  });

  test('answers 304 to a reader who has it', async () => {
    const tag = (await get()).headers.get('etag') ?? assert.fail('no ETag');
    const again = await get({ 'If-None-Match': tag });
    assert.equal(again.status, 304);
    assert.equal((await again.arrayBuffer()).byteLength, 0);
    assert.equal(again.headers.get('etag'), tag);
    assert.equal(again.headers.get('cache-control'), 'private, no-cache');
    assert.equal((await get({ 'If-None-Match': '"other"' })).status, 200);
  });

  test('answers HEAD without the file', async () => {
    const response = await get({}, 'HEAD');
    assert.equal(response.status, 200);
    assert.ok(Number(response.headers.get('content-length')) > 1000);
    assert.equal((await response.arrayBuffer()).byteLength, 0);
  });

  test('is like GET /v1/events/crop for the events of the face', async () => {
    await service.events.flush();
    const { key: watcher } = await service.key({ scopes: ['v1:events'] });
    const { body } = await service.call(watcher, 'GET', '/v1/events?type=index');
    const path = `/v1/events/crop?eventId=${body.events[0].id}`;
    const response = await fetch(service.url + path, { headers: { 'X-API-Key': watcher } });
    assert.equal(response.headers.get('content-type'), 'image/jpeg');
    assert.equal(response.headers.get('cache-control'), 'private, no-cache');
    assert.equal(response.headers.get('etag'), (await get()).headers.get('etag'));
    assert.equal((await service.call(key, 'GET', path)).body.code, undefined);
    const { key: narrow } = await service.key({ scopes: ['v1:faces'] });
    assert.equal((await service.call(narrow, 'GET', path)).body.code, 'SCOPE_DENIED');
    const { key: sandbox } = await service.key({ environment: 'test' });
    assert.equal((await service.call(sandbox, 'GET', path)).body.code, 'NOT_FOUND');
  });

  test('answers a problem in JSON where there is no image, and to strangers', async () => {
    const stranger = await service.stranger();
    const { key: foreign } = await service.key({ accountId: stranger.accountId });
    const code = async (credential: string | null, path = target) =>
      (await service.call(credential, 'GET', path)).body.code;
    assert.equal(await code(foreign), 'COLLECTION_NOT_FOUND');
    assert.equal(await code(null), 'AUTHENTICATION_REQUIRED');
    const { key: narrow } = await service.key({ scopes: ['v1:collections'] });
    assert.equal(await code(narrow), 'SCOPE_DENIED');
    assert.equal(await code(key, '/v1/face/thumbnail?collectionId=people'), 'VALIDATION_FAILED');
    const { key: sandbox } = await service.key({ environment: 'test' });
    assert.equal(await code(sandbox), 'COLLECTION_NOT_FOUND');
    await service.call(key, 'PUT', '/v1/collection/update', {
      collectionId: 'people',
      storeThumbnails: false,
    });
    assert.equal(await code(key), 'NOT_FOUND');
  });
});
