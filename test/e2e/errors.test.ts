import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { nobody, portrait } from '../../testing/photographs.ts';
import { type Client, type Sent, type Service, startService } from '../../testing/service.ts';

let service: Service;
let client: Client;
let picture: Buffer;
before(async () => {
  service = await startService();
  client = service.client;
  picture = await portrait('anna');
  await client.ok('POST', '/v1/collection/create', { json: { collectionId: 'here' } });
});
after(() => service.stop());

const FACE_CALLS = ['search', 'index', 'search-or-index', 'identify'].map((call) => `/v1/face/${call}`);
const send = (image: unknown, collectionId = 'here'): Sent => ({ json: { image, collectionId } });
const bytes = (data: Buffer) => ({ bytes: data.toString('base64') });

function everyCall(collectionId: string): [method: string, target: string, sent?: Sent][] {
  const faceId = 'face_01KF2M7Q8TC5V9XW3E6YB4NZRD';
  const query = `collectionId=${collectionId}`;
  return [
    ['GET', `/v1/collection/get?${query}`],
    ['PUT', '/v1/collection/update', { json: { collectionId, description: null } }],
    ['DELETE', `/v1/collection/reset?${query}`],
    ...FACE_CALLS.map((path): [string, string, Sent] => ['POST', path, send(bytes(picture), collectionId)]),
    ['DELETE', `/v1/face/delete?${query}&faceId=${faceId}`],
    ['GET', `/v1/face/get?${query}&faceId=${faceId}`],
    ['GET', `/v1/face/list?${query}`],
    ['POST', '/v1/face/verify', { json: { image: bytes(picture), collectionId, faceId } }],
    ['POST', '/v1/face/enroll', { json: { image: bytes(picture), collectionId, externalKey: 'a' } }],
    [
      'POST',
      '/v1/face/enroll-batch',
      { json: { faces: [{ image: bytes(picture), externalKey: 'a' }], collectionId } },
    ],
    ['PUT', '/v1/external-key/set', { json: { collectionId, faceId, externalKey: 'a' } }],
    ['GET', `/v1/external-key/get-face-ids?${query}&externalKey=a`],
    ['DELETE', `/v1/external-key/delete?${query}&externalKey=a`],
  ];
}

describe('Pictures', () => {
  const refuse = async (code: string, image: unknown) => {
    for (const path of FACE_CALLS) await client.refused(code, 'POST', path, send(image));
  };

  test('that cannot be read answer INVALID_IMAGE', async () => {
    await refuse('INVALID_IMAGE', bytes(picture.subarray(0, 300)));
    await refuse('INVALID_IMAGE', { bytes: '?!' });
    const tiny = await sharp(picture).resize(32, 32).toBuffer();
    await refuse('INVALID_IMAGE', bytes(tiny));
  });

  test('of a format that is not supported answer UNSUPPORTED_IMAGE', async () => {
    await refuse('UNSUPPORTED_IMAGE', bytes(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')));
    await refuse('UNSUPPORTED_IMAGE', bytes(Buffer.from('%PDF-1.7\n')));
  });

  test('that are too large answer IMAGE_TOO_LARGE', async () => {
    const wide = await sharp({ create: { width: 8193, height: 64, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await refuse('IMAGE_TOO_LARGE', bytes(wide));
    const heavy = Buffer.concat([picture, Buffer.alloc(10_000_001 - picture.length)]);
    await refuse('IMAGE_TOO_LARGE', bytes(heavy));
  });

  test('by URL answer IMAGE_URL_FORBIDDEN', async () => {
    await refuse('IMAGE_URL_FORBIDDEN', { url: 'https://example.com/a.jpg' });
  });

  test('of neither or both kinds answer VALIDATION_FAILED', async () => {
    await refuse('VALIDATION_FAILED', { bytes: null, url: null });
    await refuse('VALIDATION_FAILED', { ...bytes(picture), url: 'https://example.com/a.jpg' });
  });

  test('over the limit of a body answer PAYLOAD_TOO_LARGE, of another type UNSUPPORTED_MEDIA_TYPE', async () => {
    for (const path of FACE_CALLS) {
      const large = { body: Buffer.alloc(11_000_000), headers: { 'Content-Type': 'image/jpeg' } };
      await client.refused('PAYLOAD_TOO_LARGE', 'POST', `${path}?collectionId=here`, large);
      const text = { body: 'text', headers: { 'Content-Type': 'text/plain' } };
      await client.refused('UNSUPPORTED_MEDIA_TYPE', 'POST', path, text);
    }
  });
});

describe('Parameters', () => {
  test('that are wrong answer VALIDATION_FAILED with their names', async () => {
    const wrong: [string, string, Sent | undefined, string[]][] = [
      ['POST', '/v1/collection/create', { json: {} }, ['/collectionId']],
      ['POST', '/v1/collection/create', { json: { collectionId: 'a b' } }, ['/collectionId']],
      ['POST', '/v1/collection/create', { json: { collectionId: 'a'.repeat(256) } }, ['/collectionId']],
      [
        'POST',
        '/v1/collection/create',
        { json: { collectionId: 'a', description: 'd'.repeat(1025) } },
        ['/description'],
      ],
      ['GET', '/v1/collection/get', undefined, ['collectionId']],
      ['DELETE', '/v1/collection/reset?collectionId=', undefined, ['collectionId']],
      ['DELETE', '/v1/collection/delete?collection=a', undefined, ['collectionId', 'collection']],
      ['DELETE', '/v1/face/delete?collectionId=here', undefined, ['faceId', 'externalKey']],
      ['DELETE', '/v1/face/delete?collectionId=here&externalKey=a%20b', undefined, ['externalKey']],
      ['GET', '/v1/external-key/get-face-ids?collectionId=here', undefined, ['externalKey']],
      ['DELETE', '/v1/external-key/delete?collectionId=here&externalKey=%C3%A9', undefined, ['externalKey']],
      ['PUT', '/v1/external-key/set', { json: { collectionId: 'here' } }, ['/faceId', '/externalKey']],
      ['POST', '/v1/face/search', { json: { image: bytes(picture) } }, ['/collectionId']],
      [
        'POST',
        '/v1/face/search',
        { json: { image: bytes(picture), collectionId: 'here', faceMatchThreshold: 100.5 } },
        ['/faceMatchThreshold'],
      ],
      [
        'POST',
        '/v1/face/index',
        { json: { image: bytes(picture), collectionId: 'here', faceMatchThreshold: 80 } },
        ['/faceMatchThreshold'],
      ],
    ];
    for (const [method, target, sent, paths] of wrong) {
      const { errors } = await client.refused('VALIDATION_FAILED', method, target, sent);
      const named = errors.map(({ path }: { path: string }) => path);
      assert.deepEqual(new Set(named), new Set(paths), `${method} ${target}`);
    }
  });

  test('at their limits are right', async () => {
    const longest = 'A.z_-9'.padEnd(255, 'x');
    const description = 'é'.repeat(1024);
    await client.ok('POST', '/v1/collection/create', { json: { collectionId: longest, description } });
    const { recognitionCollection } = await client.ok('GET', `/v1/collection/get?collectionId=${longest}`);
    assert.equal(recognitionCollection.description, description);
    const key = Array.from({ length: 0x7e - 0x21 + 1 }, (_, at) => String.fromCharCode(0x21 + at))
      .join('')
      .padEnd(512, '!');
    const query = new URLSearchParams({ collectionId: longest, externalKey: key });
    assert.deepEqual((await client.ok('GET', `/v1/external-key/get-face-ids?${query}`)).faceIds, []);
    for (const faceMatchThreshold of [0, 100]) {
      await client.ok('POST', '/v1/face/search', {
        json: { ...(send(bytes(await nobody())).json as object), faceMatchThreshold },
      });
    }
  });
});

describe('A collection', () => {
  test('that is not there answers 404 everywhere, but deleting it succeeds', async () => {
    for (const call of everyCall('absent')) await client.refused('COLLECTION_NOT_FOUND', ...call);
    assert.deepEqual(await client.ok('DELETE', '/v1/collection/delete?collectionId=absent'), {});
  });

  test('that is there is not made again', async () => {
    await client.refused('COLLECTION_ALREADY_EXISTS', 'POST', '/v1/collection/create', {
      json: { collectionId: 'here' },
    });
    await client.ok('POST', '/v1/collection/create', { json: { collectionId: 'HERE' } });
  });

  test('has no faces but its own', async () => {
    const faceId = 'face_01KF2M7Q8TC5V9XW3E6YB4NZRD';
    await client.refused('FACE_NOT_FOUND', 'DELETE', `/v1/face/delete?collectionId=here&faceId=${faceId}`);
    await client.refused('FACE_NOT_FOUND', 'DELETE', '/v1/face/delete?collectionId=here&externalKey=unused');
    await client.refused('FACE_NOT_FOUND', 'PUT', '/v1/external-key/set', {
      json: { collectionId: 'here', faceId, externalKey: 'a' },
    });
  });
});

describe('Credentials', () => {
  test('that are missing answer AUTHENTICATION_REQUIRED, wrong ones INVALID_API_KEY', async () => {
    const strange = `fr_live_${'0'.repeat(32)}`;
    for (const call of [
      ...everyCall('here'),
      ['DELETE', '/v1/collection/delete?collectionId=here'] as const,
    ]) {
      const [method, target, sent] = call as [string, string, Sent?];
      const without = { ...sent, headers: { Authorization: '' } };
      await client.refused('AUTHENTICATION_REQUIRED', method, target, without);
      await client.withKey(strange).refused('INVALID_API_KEY', method, target, sent);
    }
  });

  test('are taken in all their forms', async () => {
    const { key, account_id } = await service.key();
    const pair = Buffer.from(`${account_id}:${key}`).toString('base64');
    const forms = [
      { Authorization: `ApiKey ${key}` },
      { Authorization: `ApiKey ${pair}` },
      { Authorization: `Bearer ${key}` },
      { Authorization: '', 'X-API-Key': key },
    ];
    for (const headers of forms) await client.ok('GET', '/v1/collection/get-all', { headers });
  });

  test('bound to a collection answer 403 for another that is there, 404 for one that is not', async () => {
    const recognising = client.withKey((await service.key('--collection', 'mine')).key);
    const mine = { json: { collectionId: 'mine' } };
    await recognising.refused('SCOPE_DENIED', 'POST', '/v1/collection/create', mine);
    const scopes = ['--scope', 'v1:*', '--scope', 'v1:collections'];
    const bound = client.withKey((await service.key('--collection', 'mine', ...scopes)).key);
    await bound.ok('POST', '/v1/collection/create', mine);
    await recognising.ok('GET', '/v1/collection/get?collectionId=mine');
    for (const call of everyCall('here')) await bound.refused('COLLECTION_NOT_ALLOWED', ...call);
    for (const call of everyCall('absent')) await bound.refused('COLLECTION_NOT_FOUND', ...call);
    await bound.refused('COLLECTION_NOT_ALLOWED', 'POST', '/v1/collection/create', {
      json: { collectionId: 'other' },
    });
    const { collections } = await bound.ok('GET', '/v1/collection/get-all');
    assert.deepEqual(
      collections.map(({ collectionId }: { collectionId: string }) => collectionId),
      ['mine'],
    );
  });

  test('for tests see test collections only', async () => {
    const { key } = await service.key('--environment', 'test');
    assert.match(key, /^fr_test_[0-9a-f]{32}$/);
    const tester = client.withKey(key);
    await tester.refused('COLLECTION_NOT_FOUND', 'GET', '/v1/collection/get?collectionId=here');
    await tester.ok('POST', '/v1/collection/create', { json: { collectionId: 'here' } });
    assert.equal((await tester.ok('GET', '/v1/collection/get-all')).collections.length, 1);
  });

  test('and pictures never show in the log', async () => {
    const { key } = await service.key();
    await client.withKey(key).ok('GET', '/v1/collection/get?collectionId=here');
    const log = JSON.stringify(service.child.log);
    assert.ok(log.includes('/v1/collection/get'));
    assert.doesNotMatch(log, /fr_live_[0-9a-f]{32}|collectionId=|\/9j\/4/);
  });
});

test('A busy service answers OVERLOADED, and goes on', async () => {
  const busy = await startService({ VISAGE_THREADS: '1', VISAGE_MAX_QUEUE: '1' });
  try {
    const json = { collectionId: 'here' };
    await busy.client.ok('POST', '/v1/collection/create', { json });
    const raw = { body: picture, headers: { 'Content-Type': 'image/jpeg' } };
    const search = () => busy.client.call('POST', '/v1/face/search?collectionId=here', raw);
    const answers = await Promise.all(Array.from({ length: 40 }, search));
    const refused = answers.filter(({ status }) => status !== 200);
    for (const { status, body, headers } of refused) {
      assert.deepEqual([status, body.code, headers.get('retry-after')], [503, 'OVERLOADED', '1']);
    }
    assert.ok(refused.length > 0 && refused.length < answers.length, `${refused.length} were refused`);
    assert.equal((await search()).status, 200);
  } finally {
    await busy.stop();
  }
});

test('What is not in the contract answers 404 and 405', async () => {
  await client.refused('NOT_FOUND', 'GET', '/v1/nothing');
  const { body, headers } = await client.call('PUT', '/v2');
  assert.equal(body.code, 'NOT_FOUND');
  assert.equal(headers.get('allow'), null);
  const response = await fetch(`${client.url}/v1/face/search`);
  assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST, OPTIONS']);
});
