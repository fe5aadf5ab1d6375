import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { portrait } from '../../testing/photographs.ts';
import { type Client, type Sent, type Service, startService } from '../../testing/service.ts';

const FIXTURES = new URL('../../../test/fixtures/wild/', import.meta.url);

let service: Service;
let client: Client;
let anna: Buffer;
let bea: Buffer;
before(async () => {
  [service, anna, bea] = await Promise.all([startService(), portrait('anna'), portrait('bea')]);
  client = service.client;
  await client.ok('POST', '/v1/collection/create', { json: { collectionId: 'c' } });
});
after(() => service.stop());

const DETECT = '/v1/face/detect';

function fixture(name: string): Promise<Buffer> {
  return readFile(fileURLToPath(new URL(name, FIXTURES)));
}

function raw(body: Buffer, type: string): Sent {
  return { body, headers: { 'Content-Type': type } };
}

describe('A face is found', () => {
  for (const name of [
    'jpeg-without-end/no-eoi.jpg',
    'jpeg-without-end/dahua-dhav-tail.jpg',
    'png-without-end/no-iend.png',
    'png-without-end/no-adler.png',
    'exif-orientation-long/long.jpg',
    'cmyk-without-adobe/no-app14.jpg',
    'panorama-8000x1200/face-100px.jpg',
  ]) {
    test(`in ${name}`, async () => {
      const { faces } = await client.ok('POST', DETECT, raw(await fixture(name), 'application/octet-stream'));
      assert.equal(faces.length, 1);
    });
  }

  test('in a form without file name', async () => {
    const body = await fixture('form-part-without-filename/body.bin');
    const { faces } = await client.ok('POST', DETECT, raw(body, 'multipart/form-data; boundary=X'));
    assert.equal(faces.length, 1);
  });

  test('in a form part of base64', async () => {
    const text = anna.toString('base64').replace(/.{76}/g, '$&\r\n');
    const head =
      'Content-Disposition: form-data; name="image"\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: base64';
    const body = Buffer.from(`--X\r\n${head}\r\n\r\n${text}\r\n--X--\r\n`);
    const { faces } = await client.ok('POST', DETECT, raw(body, 'multipart/form-data; boundary=X'));
    assert.equal(faces.length, 1);
  });

  test('in a body with any parameter of its media type', async () => {
    for (const type of ['image/jpeg; charset=binary', 'IMAGE/JPEG', 'Application/Octet-Stream']) {
      const { faces } = await client.ok('POST', DETECT, raw(anna, type));
      assert.equal(faces.length, 1, type);
    }
  });

  test('in a data URL with a blank, and in JSON behind a byte order mark', async () => {
    const bytes = `data:image/jpeg; base64,${anna.toString('base64')}`;
    const json = Buffer.from(`\ufeff${JSON.stringify({ image: { bytes } })}`);
    const { faces } = await client.ok('POST', DETECT, raw(json, 'application/json'));
    assert.equal(faces.length, 1);
  });
});

test('An image that lacks rows is refused, with their number', async () => {
  const file = await fixture('jpeg-without-end/reference.jpg');
  const { detail } = await client.refused(
    'INVALID_IMAGE',
    'POST',
    DETECT,
    raw(file.subarray(0, file.length / 2), 'image/jpeg'),
  );
  assert.match(detail, /cut short: \d+ of 300 rows are there/);
});

test('A page in place of an image is named', async () => {
  const page = Buffer.from('<!doctype html><title>401 Unauthorized</title>');
  const { detail } = await client.refused('UNSUPPORTED_IMAGE', 'POST', DETECT, raw(page, 'image/jpeg'));
  assert.match(detail, /It is an HTML page/);
});

describe('A number that is none is refused', () => {
  const two = (threshold: string) => {
    const form = new FormData();
    form.set('image', new Blob([anna]), 'a.jpg');
    form.set('targetImage', new Blob([bea]), 'b.jpg');
    form.set('faceMatchThreshold', threshold);
    return { body: form };
  };

  test('in a query', async () => {
    await client.refused('VALIDATION_FAILED', 'GET', '/v1/face/list?collectionId=c&limit=1e999');
    for (const query of [
      'detect?maxFaces=Infinity',
      'detect?minFaceSize=Infinity',
      'identify?collectionId=c&maxResults=Infinity',
      'search-or-index?collectionId=c&faceMatchThreshold=1e999',
      'search?collectionId=c&faceMatchThreshold=0x50',
    ]) {
      await client.refused('VALIDATION_FAILED', 'POST', `/v1/face/${query}`, raw(anna, 'image/jpeg'));
    }
  });

  test('in a form', async () => {
    for (const threshold of ['-Infinity', ' ', '%20', '0x50', '']) {
      await client.refused('VALIDATION_FAILED', 'POST', '/v1/face/verify', two(threshold));
    }
    const { isMatch } = await client.ok('POST', '/v1/face/verify', two('80'));
    assert.equal(isMatch, false);
  });
});
