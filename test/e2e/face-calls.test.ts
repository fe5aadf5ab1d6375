import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { nobody, photograph, portrait } from '../../testing/photographs.ts';
import { type Client, type Service, startService } from '../../testing/service.ts';

const collectionId = 'people';

let service: Service;
let client: Client;
let anna: Buffer;
let annaElsewhere: Buffer;
let bea: Buffer;
before(async () => {
  service = await startService();
  client = service.client;
  [anna, annaElsewhere, bea] = (await Promise.all(
    (['anna', 'annaElsewhere', 'bea'] as const).map((person) => portrait(person)),
  )) as [Buffer, Buffer, Buffer];
  await client.ok('POST', '/v1/collection/create', { json: { collectionId } });
});
after(() => service.stop());

const written = (data: Buffer) => ({ bytes: data.toString('base64') });
const raw = (body: Buffer) => ({ body, headers: { 'Content-Type': 'image/jpeg' } });

function form(fields: Record<string, string>, ...files: [string, Buffer][]): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  for (const [name, file] of files) data.append(name, new Blob([file]), 'picture.jpg');
  return data;
}

/** The answers of one call in its three forms, which must be the same. @returns it. */
async function inEveryForm(path: string, parameters: Record<string, string>, image: Buffer) {
  const typed = Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, /^\d+$/.test(value) ? Number(value) : value]),
  );
  const answers = [
    await client.ok('POST', path, { json: { image: written(image), ...typed } }),
    await client.ok('POST', path, { body: form(parameters, ['image', image]) }),
    await client.ok('POST', `${path}?${new URLSearchParams(parameters)}`, raw(image)),
  ];
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  return answers[0];
}

describe('A face', () => {
  test('is enrolled, identified, verified, got and listed', async () => {
    const target = `/v1/face/enroll?collectionId=${collectionId}&externalKey=`;
    const enrolled = await client.ok('POST', `${target}anna`, raw(anna));
    assert.equal(enrolled.result, 'Created');
    await client.ok('POST', `${target}bea`, raw(bea));
    await client.refused('EXTERNAL_KEY_CONFLICT', 'POST', `${target}bea`, raw(anna));

    const identified = await inEveryForm(
      '/v1/face/identify',
      { collectionId, maxResults: '3', attributes: 'all' },
      annaElsewhere,
    );
    assert.deepEqual(
      identified.matches.map(({ faceId, externalKey, rank }: Record<string, unknown>) => [
        faceId,
        externalKey,
        rank,
      ]),
      [[enrolled.faceId, 'anna', 1]],
    );
    assert.equal(identified.face.landmarks.length, 5);

    const verified = await inEveryForm(
      '/v1/face/verify',
      { collectionId, externalKey: 'anna' },
      annaElsewhere,
    );
    assert.equal(verified.similarity, identified.matches[0].similarity);
    assert.deepEqual(verified.targetFace, enrolled.face);

    const { faceId } = enrolled;
    const got = await client.ok('GET', `/v1/face/get?collectionId=${collectionId}&faceId=${faceId}`);
    assert.deepEqual([got.externalKey, got.boundingBox], ['anna', enrolled.face.boundingBox]);
    const { faces } = await client.ok('GET', `/v1/face/list?collectionId=${collectionId}`);
    assert.deepEqual(faces[0], got);
    assert.equal(faces.length, 2);
  });

  test('is detected with all that is known of it', async () => {
    const { faces } = await inEveryForm('/v1/face/detect', { maxFaces: '2' }, photograph(4));
    assert.equal(faces.length, 2);
    for (const face of faces) {
      assert.deepEqual(Object.keys(face), ['confidence', 'boundingBox', 'landmarks', 'pose', 'quality']);
    }
  });

  test('is judged live or not, in one picture and in several', async () => {
    const one = await inEveryForm('/v1/face/liveness', {}, anna);
    assert.equal(typeof one.isLive, 'boolean');
    const path = '/v1/face/liveness';
    const several = await client.ok('POST', path, { json: { images: [written(anna), written(anna)] } });
    assert.deepEqual(several, one);
    const files = form({}, ['images', anna], ['images', anna]);
    assert.deepEqual(await client.ok('POST', path, { body: files }), one);
    await client.refused('VALIDATION_FAILED', 'POST', path, { json: {} });
  });

  test('is compared in two pictures', async () => {
    const path = '/v1/face/verify';
    const pictures = { image: written(anna), targetImage: written(annaElsewhere) };
    const json = await client.ok('POST', path, { json: pictures });
    assert.ok(json.isMatch);
    const files = form({}, ['image', anna], ['targetImage', annaElsewhere]);
    assert.deepEqual(await client.ok('POST', path, { body: files }), json);
    const broken = { ...pictures, targetImage: written(anna.subarray(0, 300)) };
    const { errors } = await client.refused('INVALID_IMAGE', 'POST', path, { json: broken });
    assert.equal(errors[0].path, '/targetImage');
    const empty = await client.ok('POST', path, {
      json: { ...pictures, targetImage: written(await nobody()) },
    });
    assert.deepEqual([empty.isMatch, empty.similarity, empty.targetFace], [false, null, null]);
  });
});

describe('A batch', () => {
  const path = '/v1/face/enroll-batch';
  const keysOf = async (id: string) =>
    (await client.ok('GET', `/v1/face/list?collectionId=${id}`)).faces.map(
      ({ externalKey }: { externalKey: string }) => externalKey,
    );

  test('has a result for each of its pictures', async () => {
    await client.ok('POST', '/v1/collection/create', { json: { collectionId: 'batch' } });
    const faces = [
      { image: written(anna), externalKey: 'a' },
      { image: written(anna.subarray(0, 300)), externalKey: 'b' },
      { image: { url: 'https://example.com/a.jpg' }, externalKey: 'c' },
      { image: written(bea), externalKey: 'd' },
    ];
    const { results } = await client.ok('POST', path, { json: { collectionId: 'batch', faces } });
    assert.deepEqual(
      results.map(({ code, result }: { code?: string; result?: string }) => code ?? result),
      ['Created', 'INVALID_IMAGE', 'IMAGE_URL_FORBIDDEN', 'Created'],
    );
    assert.deepEqual(await keysOf('batch'), ['a', 'd']);
  });

  test('comes as a form too', async () => {
    await client.ok('POST', '/v1/collection/create', { json: { collectionId: 'form' } });
    const body = form({ collectionId: 'form' }, ['images', anna], ['images', bea]);
    body.append('externalKey', 'x');
    body.append('externalKey', 'y');
    await client.ok('POST', path, { body });
    assert.deepEqual(await keysOf('form'), ['x', 'y']);
  });

  test('that fails altogether answers the first problem', async () => {
    const faces = [{ image: { url: 'https://example.com/a.jpg' }, externalKey: 'a' }];
    const { errors } = await client.refused('IMAGE_URL_FORBIDDEN', 'POST', path, {
      json: { collectionId, faces },
    });
    assert.deepEqual(
      errors.map((error: { path: string }) => error.path),
      ['/faces/0'],
    );
  });
});

describe('A model', () => {
  test('that is not loaded is refused by every call that takes one', async () => {
    const json = { image: written(anna), model: 'other' };
    for (const call of ['detect', 'liveness']) {
      await client.refused('VALIDATION_FAILED', 'POST', `/v1/face/${call}`, { json });
    }
    for (const call of ['search', 'index', 'search-or-index', 'identify']) {
      const { errors } = await client.refused('VALIDATION_FAILED', 'POST', `/v1/face/${call}`, {
        json: { ...json, collectionId },
      });
      assert.equal(errors[0].path, '/model');
    }
  });
});
