import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createImageFetcher } from '../../src/http/image-fetch.ts';
import { AccessService, closeShared } from '../../testing/access-service.ts';

const PACKAGE = dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json'));
const PICTURE = readFileSync(join(PACKAGE, 'demo/sample1.jpg'));
const PAGE = '<!doctype html><title>secret of the inside</title>';

describe('A picture by URL', () => {
  let service: AccessService;
  let camera: Server;
  let base: string;
  let key: string;
  const asked: string[] = [];
  before(async () => {
    camera = createServer((request, response) => {
      if (request.url === '/picture') response.setHeader('Content-Type', 'text/plain').end(PICTURE);
      else response.setHeader('Content-Type', 'image/jpeg').end(PAGE);
    });
    await new Promise<void>((resolve) => camera.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(camera.address() as AddressInfo).port}`;
    service = await AccessService.open();
    const fetchImage = createImageFetcher({ policy: (accountId) => asked.push(accountId) > 0 });
    service.fetchImage = fetchImage;
    ({ key } = await service.key());
    await service.call(key, 'POST', '/v1/collection/create', { collectionId: 'people' });
  });
  after(async () => {
    camera.close();
    await service.close();
    await closeShared();
  });

  const face = (operation: string, path: string, credential = key) =>
    service.call(credential, 'POST', `/v1/face/${operation}`, {
      collectionId: 'people',
      image: { url: `${base}${path}` },
    });

  test('is indexed and found like one that is sent, whatever type its server says', async () => {
    const indexed = await face('index', '/picture');
    assert.equal(indexed.status, 200);
    const found = await face('search', '/picture');
    assert.equal(found.body.faceId, indexed.body.faceId);
    const sent = await service.call(key, 'POST', '/v1/face/search', {
      collectionId: 'people',
      image: { bytes: PICTURE.toString('base64') },
    });
    assert.deepEqual(found.body, sent.body);
    assert.deepEqual([...new Set(asked)], [service.accountId]);
  });

  test('that is none is refused by what it is, and nothing of it shows', async () => {
    const { status, body } = await face('search', '/page');
    assert.deepEqual([status, body.code], [400, 'UNSUPPORTED_IMAGE']);
    assert.ok(!JSON.stringify(body).includes('secret'));
  });

  test('is not fetched for a caller who is refused', async () => {
    asked.length = 0;
    const { key: other } = await service.key({ scopes: ['v1:collections'] });
    assert.equal((await face('search', '/picture', other)).body.code, 'SCOPE_DENIED');
    assert.equal((await face('search', '/picture', 'fr_live_0')).body.code, 'INVALID_API_KEY');
    assert.deepEqual(asked, []);
  });
});
