import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { portrait } from '../../testing/photographs.ts';
import { ROOT, type Service, startService } from '../../testing/service.ts';

interface Example {
  readonly method: string;
  readonly target: string;
  readonly body?: string;
}

const examples = JSON.parse(
  readFileSync(join(ROOT, 'test/fixtures/face-api-examples.json'), 'utf8'),
) as readonly Example[];
const IMAGE_STRING = /(?<="bytes": ")[^"]+/;

let service: Service;
before(async () => {
  service = await startService();
});
after(() => service.stop());

describe('Every example request of the Face API', () => {
  for (const [number, { method, target, body }] of examples.entries()) {
    test(`${number + 1}: ${method} ${target}`, async () => {
      const { client } = service;
      // Examples are independent: the collection exists, unless the example creates it.
      await client.ok('DELETE', '/v1/collection/delete?collectionId=new-collection');
      await client.call('POST', '/v1/collection/create', { json: { collectionId: 'my-collection' } });
      const send = (text: string | undefined) =>
        client.call(
          method,
          target,
          text === undefined ? {} : { body: text, headers: { 'Content-Type': 'application/json' } },
        );

      const answer = await send(body);
      if (body && IMAGE_STRING.test(body)) {
        assert.ok(['INVALID_IMAGE', 'UNSUPPORTED_IMAGE'].includes(answer.body.code), answer.body.code);
        const picture = (await portrait('anna')).toString('base64');
        assert.equal((await send(body.replace(IMAGE_STRING, picture))).status, 200);
      } else if (
        target.includes('face_abc123xyz789') ||
        body?.includes('face_abc123xyz789') ||
        target.startsWith('/v1/face/delete')
      ) {
        assert.equal(answer.body.code, 'FACE_NOT_FOUND');
      } else {
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
      }
    });
  }
});

const BEYOND = [
  'collection/examine',
  'collection/examine/apply',
  'collection/examine/dismiss',
  'collection/examine/restore',
  'collection/examine/undo',
  'external-key/delete-faces',
  'external-key/list',
  'external-key/rename',
  'face/delete-batch',
  'face/detect',
  'face/enroll',
  'face/enroll-batch',
  'face/get',
  'face/identify',
  'face/list',
  'face/liveness',
  'face/recognize',
  'face/search-by-id',
  'face/thumbnail',
  'face/verify',
];

test('Each recognition endpoint has an example', () => {
  const ofRecognition = /^\/v1\/(?:collection|face|external-key)\//;
  const paths = Object.keys(service.client.contract.document.paths).filter((path) =>
    ofRecognition.test(path),
  );
  const shown = new Set(examples.map(({ target }) => target.split('?', 1)[0]));
  assert.deepEqual(
    paths.filter((path) => !shown.has(path)).sort(),
    BEYOND.map((name) => `/v1/${name}`),
  );
});
