import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type EchoService, KEY, problem, startEchoService } from './echo-service.ts';

let service: EchoService;
before(async () => {
  service = await startEchoService();
});
after(() => service.stop());

type Body = NonNullable<RequestInit['body']>;

function post(path: string, body: Body | null, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(service.url + path, { method: 'POST', body, headers: { 'X-API-Key': KEY, ...headers } });
}

function postJson(path: string, body: unknown): Promise<Response> {
  return post(path, JSON.stringify(body), { 'Content-Type': 'application/json' });
}

async function given(response: Response): Promise<Record<string, unknown>> {
  assert.equal(response.status, 200);
  return (await response.json()) as Record<string, unknown>;
}

async function refused(response: Response, code: string): Promise<string[]> {
  const { code: actual, errors } = await problem(response);
  assert.equal(actual, code);
  return (errors ?? []).map(({ path }) => path);
}

const picture = randomBytes(300_000);
const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');

describe('A picture comes in', () => {
  test('as base64 in JSON, small and large', async () => {
    for (const size of [10, 20_000, 300_000]) {
      const bytes = picture.subarray(0, size).toString('base64');
      const answer = await given(
        await postJson('/image', { image: { bytes, url: null }, collectionId: 'a', threshold: 5 }),
      );
      assert.deepEqual(answer, {
        collectionId: 'a',
        threshold: 5,
        flag: false,
        encoding: 'base64',
        length: bytes.length,
        sha256: sha256(bytes),
      });
    }
  });

  test('as a file of a form, with the parameters as fields', async () => {
    const form = new FormData();
    form.set('collectionId', 'a');
    form.set('threshold', '90.5');
    form.set('flag', 'true');
    form.set('image', new Blob([picture], { type: 'image/jpeg' }), 'me.jpg');
    const answer = await given(await post('/image', form));
    assert.deepEqual(answer, {
      collectionId: 'a',
      threshold: 90.5,
      flag: true,
      encoding: 'binary',
      length: picture.length,
      sha256: sha256(picture),
    });
  });

  test('and its memory is given back with the answer, whichever way it came', async () => {
    const form = new FormData();
    form.set('collectionId', 'a');
    form.set('image', new Blob([picture], { type: 'image/jpeg' }), 'me.jpg');
    const image = { bytes: picture.toString('base64') };
    for (const send of [
      () => post('/image?collectionId=a', picture, { 'Content-Type': 'image/jpeg' }),
      () => post('/image', form),
      () => postJson('/image', { collectionId: 'a', image }),
    ]) {
      service.hooks.picture = null;
      await given(await send());
      const { picture: seen } = service.hooks as { picture: Uint8Array | null };
      assert.equal(seen?.buffer.byteLength, 0);
    }
  });

  test('as it is, with the parameters in the query', async () => {
    for (const type of ['image/jpeg', 'image/png', 'application/octet-stream', 'IMAGE/WEBP; q=1']) {
      const answer = await given(
        await post('/image?collectionId=a&threshold=7', picture, { 'Content-Type': type }),
      );
      assert.deepEqual(answer, {
        collectionId: 'a',
        threshold: 7,
        flag: false,
        encoding: 'binary',
        length: picture.length,
        sha256: sha256(picture),
      });
    }
  });

  test('in pieces of unknown total length', async () => {
    const stream = new ReadableStream({
      start(controller) {
        for (let at = 0; at < picture.length; at += 50_000)
          controller.enqueue(picture.subarray(at, at + 50_000));
        controller.close();
      },
    });
    const response = await fetch(`${service.url}/image?collectionId=a`, {
      method: 'POST',
      body: stream,
      duplex: 'half',
      headers: { 'X-API-Key': KEY, 'Content-Type': 'image/jpeg' },
    } as RequestInit);
    assert.equal((await given(response)).sha256, sha256(picture));
  });
});

describe('Several pictures come in', () => {
  const small = picture.subarray(0, 5_000);
  const written = (data: Buffer) => ({ bytes: data.toString('base64') });
  const hashOf = (data: Buffer) => ['base64', sha256(data.toString('base64'))];
  const file = (data: Buffer) => new Blob([data]);
  const asFile = (data: Buffer) => ['binary', sha256(data)];

  test('under two names', async () => {
    const json = { collectionId: 'a', image: written(picture), targetImage: written(small) };
    const { images, ...body } = await given(await postJson('/pair', json));
    assert.deepEqual(images, { image: [hashOf(picture)], targetImage: [hashOf(small)] });
    assert.deepEqual(body, { collectionId: 'a', threshold: 80, flag: false });
    const form = new FormData();
    form.set('targetImage', file(small));
    form.set('image', file(picture));
    form.set('collectionId', 'a');
    assert.deepEqual((await given(await post('/pair', form))).images, {
      image: [asFile(picture)],
      targetImage: [asFile(small)],
    });
  });

  test('of which one may be left out, and then a body may be the other', async () => {
    const json = { collectionId: 'a', image: written(picture) };
    assert.deepEqual((await given(await postJson('/pair', json))).images, { image: [hashOf(picture)] });
    const raw = await post('/pair?collectionId=a', picture, { 'Content-Type': 'image/jpeg' });
    assert.deepEqual((await given(raw)).images, { image: [asFile(picture)] });
    const { image, ...without } = json;
    assert.deepEqual(
      await refused(await postJson('/pair', { ...without, targetImage: image }), 'VALIDATION_FAILED'),
      ['/image'],
    );
  });

  test('as a list', async () => {
    const json = { images: [written(small), written(picture), written(small)] };
    assert.deepEqual((await given(await postJson('/frames', json))).images, {
      images: [hashOf(small), hashOf(picture), hashOf(small)],
    });
    const form = new FormData();
    form.append('images', file(small));
    form.append('images', file(picture));
    assert.deepEqual((await given(await post('/frames', form))).images, {
      images: [asFile(small), asFile(picture)],
    });
    const four = { images: [...json.images, written(small)] };
    assert.deepEqual(await refused(await postJson('/frames', four), 'VALIDATION_FAILED'), ['/images']);
    const broken = { images: [written(small), { bytes: 'YQ==', url: 'http://a/' }] };
    assert.deepEqual(await refused(await postJson('/frames', broken), 'VALIDATION_FAILED'), ['/images/1']);
    for (let i = 0; i < 2; i++) form.append('images', file(small));
    assert.deepEqual(await refused(await post('/frames', form), 'VALIDATION_FAILED'), ['images']);
  });

  test('each with parameters of its own', async () => {
    const json = {
      collectionId: 'a',
      faces: [
        { image: written(picture), name: 'x' },
        { image: written(small), name: 'y', weight: 2 },
      ],
    };
    const { images, faces } = await given(await postJson('/batch', json));
    assert.deepEqual(images, { faces: [hashOf(picture), hashOf(small)] });
    assert.deepEqual(faces, [
      { name: 'x', weight: 1 },
      { name: 'y', weight: 2 },
    ]);
    const nameless = { ...json, faces: [...json.faces, { image: written(small) }] };
    assert.deepEqual(await refused(await postJson('/batch', nameless), 'VALIDATION_FAILED'), [
      '/faces/2/name',
    ]);
    const pictureless = { ...json, faces: [{ name: 'x', image: {} }] };
    assert.deepEqual(await refused(await postJson('/batch', pictureless), 'VALIDATION_FAILED'), [
      '/faces/0/image',
    ]);
  });

  test('each with parameters of its own, as a form that repeats them', async () => {
    const form = new FormData();
    form.set('collectionId', 'a');
    for (const [name, data] of Object.entries({ x: picture, y: small })) {
      form.append('images', file(data));
      form.append('name', name);
    }
    const { images, faces } = await given(await post('/batch', form));
    assert.deepEqual(images, { faces: [asFile(picture), asFile(small)] });
    assert.deepEqual(faces, [
      { name: 'x', weight: 1 },
      { name: 'y', weight: 1 },
    ]);
    form.append('images', file(small));
    assert.deepEqual(await refused(await post('/batch', form), 'VALIDATION_FAILED'), ['name']);
  });

  test('up to a hundred, small ones too, and never as a body itself', async () => {
    const entry = { image: written(small), name: 'x' };
    const send = (count: number) =>
      postJson('/batch', { collectionId: 'a', faces: Array.from({ length: count }, () => entry) });
    assert.equal(((await given(await send(100))).faces as unknown[]).length, 100);
    assert.deepEqual(await refused(await send(101), 'VALIDATION_FAILED'), ['/faces']);
    assert.deepEqual(await refused(await send(0), 'VALIDATION_FAILED'), ['/faces']);
    const raw = await post('/batch?collectionId=a', picture, { 'Content-Type': 'image/jpeg' });
    await refused(raw, 'UNSUPPORTED_MEDIA_TYPE');
  });

  test('and a URL among them is not fetched', async () => {
    const json = { images: [written(small), { url: 'http://127.0.0.1/a.jpg' }] };
    await refused(await postJson('/frames', json), 'IMAGE_URL_FORBIDDEN');
  });
});

describe('Exactly one of image.bytes and image.url', () => {
  const send = (image: unknown) => postJson('/image', { image, collectionId: 'a' });

  test('must be given', async () => {
    assert.deepEqual(await refused(await send({}), 'VALIDATION_FAILED'), ['/image']);
    assert.deepEqual(await refused(await send({ bytes: null, url: null }), 'VALIDATION_FAILED'), ['/image']);
    assert.deepEqual(await refused(await send({ bytes: 'YQ==', url: 'http://a/' }), 'VALIDATION_FAILED'), [
      '/image',
    ]);
    assert.deepEqual(await refused(await send(undefined), 'VALIDATION_FAILED'), ['/image']);
    assert.deepEqual(await refused(await send({ bytes: '' }), 'VALIDATION_FAILED'), ['/image/bytes']);
    assert.deepEqual(await refused(await send({ bytes: 5 }), 'VALIDATION_FAILED'), ['/image/bytes']);
    assert.deepEqual(await refused(await send('YQ=='), 'VALIDATION_FAILED'), ['/image']);
  });

  test('and a URL is not fetched', async () => {
    assert.deepEqual(await refused(await send({ url: 'http://127.0.0.1/a.jpg' }), 'IMAGE_URL_FORBIDDEN'), []);
    assert.deepEqual(await refused(await send({ bytes: null, url: 'http://a/' }), 'IMAGE_URL_FORBIDDEN'), []);
  });
});

describe('Parameters', () => {
  test('are all checked at once, and no value is echoed', async () => {
    const response = await postJson('/image', {
      image: {},
      collectionId: 'UPPER-secret',
      threshold: 101,
      typo: 'secret',
    });
    const text = await response.clone().text();
    assert.deepEqual((await refused(response, 'VALIDATION_FAILED')).sort(), [
      '/collectionId',
      '/threshold',
      '/typo',
    ]);
    assert.doesNotMatch(text, /secret/);
  });

  test('in JSON keep their types', async () => {
    assert.deepEqual(
      await refused(await postJson('/json', { collectionId: 'a', threshold: '80' }), 'VALIDATION_FAILED'),
      ['/threshold'],
    );
  });

  test('in a query are text that is read as their type', async () => {
    const get = (query: string) => fetch(`${service.url}/query?${query}`, { headers: { 'X-API-Key': KEY } });
    assert.deepEqual(await given(await get('collectionId=a&threshold=12.5&flag=true')), {
      collectionId: 'a',
      threshold: 12.5,
      flag: true,
    });
    assert.deepEqual(await refused(await get('threshold=many'), 'VALIDATION_FAILED'), [
      'collectionId',
      'threshold',
    ]);
    assert.deepEqual(await refused(await get('collectionId=a&collectionId=b'), 'VALIDATION_FAILED'), [
      'collectionId',
    ]);
    assert.deepEqual(await refused(await get('collectionId=a&__proto__=b'), 'VALIDATION_FAILED'), [
      '__proto__',
    ]);
    assert.deepEqual(await refused(await get('collectionId=a&constructor=b'), 'VALIDATION_FAILED'), [
      'constructor',
    ]);
  });

  test('that would reach a prototype are refused', async () => {
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      const body = `{"collectionId":"a","${name}":{"polluted":true}}`;
      const response = await post('/json', body, { 'Content-Type': 'application/json' });
      assert.deepEqual(await refused(response, 'VALIDATION_FAILED'), [`/${name}`]);
    }
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });

  test('that stand in the wrong place are told where they belong', async () => {
    const told = async (response: Response) =>
      (await problem(response)).errors?.map(({ message }) => message);
    const json = { image: { bytes: 'YQ==' } };
    assert.deepEqual(await told(await postJson('/image?image=a', json)), [
      'belongs in the JSON body, not in the query',
    ]);
    const form = new FormData();
    form.set('image', new Blob(['x']), 'a.jpg');
    assert.deepEqual(await told(await post('/image?image=a', form)), [
      'belongs in the form, not in the query',
    ]);
    assert.deepEqual(await told(await postJson('/json?collectionId=a', {})), [
      'belongs in the JSON body, not in the query',
    ]);
    assert.deepEqual(await told(await postJson('/image', { bytes: 'YQ==', collectionId: 'a', image: {} })), [
      'belongs in image, not in the JSON body',
    ]);
    const get = await fetch(`${service.url}/query?typo=1`, { headers: { 'X-API-Key': KEY } });
    assert.deepEqual(await told(get), [
      'is required in the query',
      'is not a parameter of this call in the query: expected one of collectionId, threshold, flag',
    ]);
  });

  test('may stand in the query beside a body of every form, and the value in the body takes precedence', async () => {
    const json = { image: { bytes: 'YQ==' } };
    const form = (fields: Record<string, string>) => {
      const body = new FormData();
      body.set('image', new Blob(['picture']));
      for (const [name, value] of Object.entries(fields)) body.set(name, value);
      return body;
    };
    const query = '/image?collectionId=a&threshold=5&flag=true';
    const given = { collectionId: 'a', threshold: 5, flag: true };
    const own = { collectionId: 'b', threshold: 6, flag: false };
    const text = { collectionId: 'b', threshold: '6', flag: 'false' };
    for (const [response, expected] of [
      [await postJson(query, json), given],
      [await postJson(query, { ...json, ...own }), own],
      [await post(query, form({})), given],
      [await post(query, form(text)), own],
      [await postJson('/image?collectionId=a', { ...json, threshold: 5 }), { ...given, flag: false }],
      [await postJson('/image?collectionId=a', json), { ...given, threshold: 80, flag: false }],
    ] as const) {
      const { collectionId, threshold, flag } = (await response.json()) as typeof own;
      assert.deepEqual({ collectionId, threshold, flag }, expected);
    }
  });

  test('in a query beside a body are checked as those of the body are', async () => {
    const body = { image: { bytes: 'YQ==' }, collectionId: 'a' };
    for (const [query, name] of [
      ['threshold=500', 'threshold'],
      ['image=YQ==', 'image'],
      ['unknown=1', 'unknown'],
      ['__proto__=1', '__proto__'],
    ] as const) {
      const response = await postJson(`/image?${query}`, body);
      assert.deepEqual(await refused(response, 'VALIDATION_FAILED'), [name]);
    }
  });
});

describe('A form', () => {
  const send = (form: FormData) => post('/image', form);
  const withParts = (...parts: [string, string | Blob][]) => {
    const form = new FormData();
    for (const [name, value] of parts) form.append(name, value as string);
    return form;
  };
  const file = new Blob(['picture']);

  test('has one file, named image, and each field once', async () => {
    assert.deepEqual(await refused(await send(withParts(['collectionId', 'a'])), 'VALIDATION_FAILED'), [
      '/image',
    ]);
    assert.deepEqual(
      await refused(await send(withParts(['collectionId', 'a'], ['photo', file])), 'VALIDATION_FAILED'),
      ['photo'],
    );
    assert.deepEqual(
      await refused(await send(withParts(['collectionId', 'a'], ['image', 'text'])), 'VALIDATION_FAILED'),
      ['image'],
    );
    assert.deepEqual(
      await refused(await send(withParts(['image', file], ['image', file])), 'VALIDATION_FAILED'),
      ['image'],
    );
    assert.deepEqual(
      await refused(
        await send(withParts(['collectionId', 'a'], ['collectionId', 'b'], ['image', file])),
        'VALIDATION_FAILED',
      ),
      ['collectionId'],
    );
  });

  test('says which part is wrong and what was expected', async () => {
    const detailOf = async (name: string, value: string | Blob) => {
      const form = new FormData();
      form.set('collectionId', 'a');
      form.set(name, value);
      return (await problem(await post('/image', form))).detail;
    };
    assert.deepEqual(
      [await detailOf('image', 'me.jpg'), await detailOf('file', new Blob([picture]))],
      [
        'image: expected a file, got text: with curl write @ before the path.',
        'file: is no file part of this call: expected image.',
      ],
    );
  });

  test('has few, short fields', async () => {
    const many = Array.from({ length: 30 }, (_, at): [string, string] => [`f${at}`, 'x']);
    assert.deepEqual(await refused(await send(withParts(...many)), 'VALIDATION_FAILED'), ['']);
    assert.deepEqual(
      await refused(await send(withParts(['collectionId', 'a'.repeat(5000)])), 'VALIDATION_FAILED'),
      ['collectionId'],
    );
  });

  test('must be whole', async () => {
    const type = { 'Content-Type': 'multipart/form-data; boundary=b' };
    const cut = '--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\npict';
    assert.deepEqual(await refused(await post('/image', cut, type), 'VALIDATION_FAILED'), ['']);
    assert.deepEqual(await refused(await post('/image', 'nothing', type), 'VALIDATION_FAILED'), ['']);
    assert.deepEqual(await refused(await post('/image', '', type), 'VALIDATION_FAILED'), ['']);
    const noBoundary = { 'Content-Type': 'multipart/form-data' };
    assert.deepEqual(await refused(await post('/image', cut, noBoundary), 'VALIDATION_FAILED'), ['']);
  });
});

describe('A body that is not JSON', () => {
  for (const body of [
    '',
    '{',
    'undefined',
    '{"collectionId":"a"}x',
    "{'collectionId':'a'}",
    '[1,]',
    '"',
    '\ufeff\ufeff{}',
  ]) {
    test(`is refused: ${JSON.stringify(body)}`, async () => {
      const type = { 'Content-Type': 'application/json' };
      await refused(await post('/json', body, type), 'VALIDATION_FAILED');
      await refused(await post('/image', body, type), 'VALIDATION_FAILED');
    });
  }

  test('or is JSON but no object', async () => {
    for (const value of [null, 1, 'a', [], true])
      await refused(await postJson('/image', value), 'VALIDATION_FAILED');
  });

  test('or nests deeply', async () => {
    const body = `{"image":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    await refused(await post('/image', body, { 'Content-Type': 'application/json' }), 'PAYLOAD_TOO_LARGE');
  });
});

describe('A media type', () => {
  const types = (path: string, headers: Record<string, string>) => post(path, Buffer.from('{}'), headers);

  test('that a route does not take is answered 415', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/xml',
      'video/mp4',
      'nonsense',
      ' ',
    ]) {
      await refused(await types('/image', { 'Content-Type': type }), 'UNSUPPORTED_MEDIA_TYPE');
    }
    for (const type of ['image/jpeg', 'multipart/form-data; boundary=b', 'application/octet-stream']) {
      await refused(await types('/json', { 'Content-Type': type }), 'UNSUPPORTED_MEDIA_TYPE');
    }
    await refused(await types('/json', {}), 'UNSUPPORTED_MEDIA_TYPE');
  });

  test('of an image may have parameters, and any case', async () => {
    for (const type of [
      'image/jpeg; charset=binary',
      'IMAGE/JPEG',
      'image/jpg;charset=iso-8859-1',
      'Application/Octet-Stream; x=y',
      'image/*',
    ]) {
      const answer = await post('/image?collectionId=a', picture, { 'Content-Type': type });
      assert.equal(answer.status, 200, type);
    }
  });

  test('of more than 256 characters is answered 415 unread', async () => {
    const least = 'application/json; a=';
    for (const type of [`application/json;${' '.repeat(300)}a=b`, least.padEnd(257, 'b')]) {
      const answer = await problem(await types('/json', { 'Content-Type': type }));
      assert.equal(answer.code, 'UNSUPPORTED_MEDIA_TYPE');
      assert.match(answer.detail, /at most 256 characters, got \d+\./);
    }
    await refused(await types('/json', { 'Content-Type': least.padEnd(256, 'b') }), 'VALIDATION_FAILED');
  });

  test('with another charset or a compression is answered 415', async () => {
    const json = 'application/json';
    await refused(
      await types('/json', { 'Content-Type': `${json}; charset=utf-16` }),
      'UNSUPPORTED_MEDIA_TYPE',
    );
    await refused(
      await types('/json', { 'Content-Type': json, 'Content-Encoding': 'gzip' }),
      'UNSUPPORTED_MEDIA_TYPE',
    );
    await refused(
      await types('/json', { 'Content-Type': `${json}; charset="UTF-8"`, 'Content-Encoding': 'identity' }),
      'VALIDATION_FAILED',
    );
  });
});

describe('A body over the limit', () => {
  test('is answered 413, by its header or by what comes', async () => {
    const json = { 'Content-Type': 'application/json' };
    await refused(await post('/image', Buffer.alloc(14_000_001, 0x20), json), 'PAYLOAD_TOO_LARGE');
    await refused(
      await post('/image?collectionId=a', Buffer.alloc(10_100_001), { 'Content-Type': 'image/png' }),
      'PAYLOAD_TOO_LARGE',
    );
    await refused(await post('/json', Buffer.alloc(64 * 1024 + 1, 0x20), json), 'PAYLOAD_TOO_LARGE');
    const form = new FormData();
    form.set('image', new Blob([Buffer.alloc(10_100_000)]), 'a');
    await refused(await post('/image', form), 'PAYLOAD_TOO_LARGE');
  });

  test('is not read on, and the connection is closed', async () => {
    const head = `POST /json HTTP/1.1\r\nHost: a\r\nX-API-Key: ${KEY}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const answer = await service.raw(`${head}20000\r\n${'a'.repeat(0x20000)}\r\n`);
    assert.match(answer, /^HTTP\/1.1 413 /);
    assert.match(answer.split('\r\n\r\n', 1)[0] ?? '', /connection: close/i);
    assert.equal(answer.match(/HTTP\/1.1 /g)?.length, 1);
  });

  test('is refused before it is sent, for a client that asks', async () => {
    const head = `POST /json HTTP/1.1\r\nHost: a\r\nX-API-Key: ${KEY}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n`;
    assert.match(await service.raw(`${head}Content-Length: 99999999\r\n\r\n`), /^HTTP\/1.1 413 /);
    assert.match(
      await service.raw(`${head}Connection: close\r\nContent-Length: 20\r\n\r\n{"collectionId":"a"}`),
      /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /,
    );
  });

  test('as base64 of ten million bytes is within it', async () => {
    const bytes = Buffer.alloc(10_000_000, 'a').toString('base64');
    assert.equal(
      (await given(await postJson('/image', { image: { bytes }, collectionId: 'a' }))).length,
      bytes.length,
    );
  });
});
