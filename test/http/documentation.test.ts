import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { AccessService, closeShared } from '../../testing/access-service.ts';

let service: AccessService;
before(async () => {
  service = await AccessService.open();
});
after(async () => {
  await service.close();
  await closeShared();
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(service.url + path, { headers, method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.on('error', reject);
  });
}

const FILES = [
  '/openapi.json',
  '/swagger',
  '/swagger/swagger-ui-bundle.js',
  '/swagger/swagger-ui.css',
  '/swagger/initializer.js',
];
const UNPACK = { br: brotliDecompressSync, gzip: gunzipSync };
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('The documentation', () => {
  test('is found from the addresses that people try', async () => {
    for (const path of ['/docs', '/docs/', '/swagger/']) {
      const { status, headers } = await ask(path);
      assert.deepEqual([status, headers.location], [302, '/swagger'], path);
    }
    assert.match(String((await ask('/swagger')).body), /<title>Visage API/);
  });

  for (const path of FILES) {
    test(`${path} comes compressed to clients that take it, and is the same in each form`, async () => {
      const plain = await ask(path);
      assert.equal(plain.headers['content-encoding'], undefined);
      const etags = new Set([plain.headers.etag]);
      for (const [encoding, unpack] of Object.entries(UNPACK)) {
        const { headers, body } = await ask(path, { 'Accept-Encoding': encoding });
        assert.equal(headers['content-encoding'], encoding);
        assert.match(String(headers.vary), /Accept-Encoding/);
        assert.equal(sha256(unpack(body)), sha256(plain.body));
        etags.add(headers.etag);
      }
      assert.equal(etags.size, 3, 'each form has an entity tag of its own');
      const best = await ask(path, { 'Accept-Encoding': 'gzip, deflate, br' });
      assert.equal(best.headers['content-encoding'], 'br');
      const none = await ask(path, { 'Accept-Encoding': 'br;q=0, gzip;q=0' });
      assert.equal(none.headers['content-encoding'], undefined);
    });

    test(`${path} is not sent again to a client that has it`, async () => {
      for (const accepted of ['identity', 'gzip', 'br']) {
        const headers = { 'Accept-Encoding': accepted };
        const etag = String((await ask(path, headers)).headers.etag);
        assert.match(etag, /^"[\w-]{22}"$/);
        for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
          const again = await ask(path, { ...headers, 'If-None-Match': known });
          assert.deepEqual([again.status, again.body.length, again.headers.etag], [304, 0, etag]);
        }
        assert.equal((await ask(path, { ...headers, 'If-None-Match': '"other"' })).status, 200);
      }
    });
  }

  test('is a quarter of its size over the wire, and kept by browsers', async () => {
    const { headers, body } = await ask('/swagger/swagger-ui-bundle.js', { 'Accept-Encoding': 'br' });
    assert.ok(body.length < 450_000, `${body.length} bytes`);
    assert.equal(headers['cache-control'], 'public, max-age=3600');
    assert.equal((await ask('/openapi.json')).headers['cache-control'], 'no-cache');
  });

  test('answers HEAD with the length and no body', async () => {
    const { status, headers, body } = await ask('/swagger/swagger-ui.css', {}, 'HEAD');
    assert.deepEqual([status, body.length], [200, 0]);
    assert.equal(Number(headers['content-length']), (await ask('/swagger/swagger-ui.css')).body.length);
  });
});
