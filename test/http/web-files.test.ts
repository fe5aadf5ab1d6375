import assert from 'node:assert/strict';
import { get, type IncomingHttpHeaders } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { type Service, startService } from '../../testing/service.ts';

let service: Service;
let script: string;

before(async () => {
  service = await startService();
  const { body } = await ask('/');
  script = /src="(\/assets\/index-[^"]+\.js)"/.exec(String(body))?.[1] ?? '';
});
after(() => service.stop());

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function ask(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
  at = service,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(at.child.url + path, { headers, method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.on('error', reject);
  });
}

const SCREENS = [
  '/',
  '/live',
  '/people',
  '/try-it',
  '/collections',
  '/api-keys',
  '/members',
  '/audit',
  '/system',
  '/billing',
  '/join',
];

describe('The dashboard', () => {
  test('is the page at every path of its screens, and clients ask for it again each time', async () => {
    const page = await ask('/');
    assert.match(String(page.body), /<div id="root">/);
    for (const path of [...SCREENS, '/people/anna%20b', '/collections/a/b?collection=x']) {
      const { status, headers, body } = await ask(path);
      assert.equal(status, 200, path);
      assert.match(String(headers['content-type']), /^text\/html/);
      assert.equal(headers['cache-control'], 'no-cache');
      assert.deepEqual(body, page.body);
      assert.equal((await ask(path, { 'If-None-Match': String(headers.etag) })).status, 304);
    }
  });

  test('allows scripts and styles of its own files only, and no frame around it', async () => {
    const { headers } = await ask('/people');
    const policy = String(headers['content-security-policy']).split('; ');
    assert.ok(policy.includes("default-src 'none'"));
    assert.ok(policy.includes("script-src 'self'"));
    assert.ok(policy.includes("style-src 'self'"));
    assert.ok(policy.includes("frame-ancestors 'none'"));
    assert.ok(policy.includes("form-action 'none'"));
    assert.ok(!policy.join().includes('unsafe'));
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.match(String(headers['permissions-policy']), /camera=\(self\), microphone=\(\)/);
    assert.match(String(headers['cross-origin-opener-policy']), /same-origin/);
  });

  test('has no script and no style inside the page', async () => {
    const page = String((await ask('/')).body);
    assert.ok(!/<style|style=|<script(?![^>]* src=)|\son\w+=/.test(page), page);
  });

  test('sends files with hashed names compressed, for a year', async () => {
    const plain = await ask(script);
    assert.match(String(plain.headers['content-type']), /^text\/javascript/);
    assert.equal(plain.headers['cache-control'], 'public, max-age=31536000, immutable');
    const forms = { br: brotliDecompressSync, gzip: gunzipSync };
    for (const [encoding, unpack] of Object.entries(forms)) {
      const { headers, body } = await ask(script, { 'Accept-Encoding': encoding });
      assert.equal(headers['content-encoding'], encoding);
      assert.ok(unpack(body).equals(plain.body));
    }
    assert.equal((await ask(script, {}, 'HEAD')).status, 200);
  });

  test('has a problem in place of a file of another version, of a list of files, and of files beside it', async () => {
    const missing = [
      '/assets/index-old.js',
      '/assets/',
      '/assets/%2e%2e%2findex.html',
      '/assets/..%2fpackages.txt',
    ];
    for (const path of [...missing, '/packages.txt', '/sources.sha256', '/index.html', '/peoples']) {
      const { status, headers } = await ask(path);
      assert.equal(status, 404, path);
      assert.match(String(headers['content-type']), /^application\/problem\+json/);
    }
  });

  test('is off with `web = false`, and then `/` leads to the documentation', async () => {
    const without = await startService({ VISAGE_WEB: 'false' });
    try {
      const { status, headers } = await ask('/', {}, 'GET', without);
      assert.deepEqual([status, headers.location], [302, '/swagger']);
      assert.equal((await ask('/people', {}, 'GET', without)).status, 404);
      assert.equal((await ask(script, {}, 'GET', without)).status, 404);
    } finally {
      await without.stop();
    }
  });
});
