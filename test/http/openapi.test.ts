import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { routeTable } from '../../src/app.ts';
import { ERRORS } from '../../src/errors.ts';
import { errorCodesOf, openApiDocument } from '../../src/http/openapi.ts';
import { Health } from '../../src/ops/health.ts';
import { DOCUMENT_FILE, documentText } from './write-openapi.ts';

const routes = routeTable({ health: new Health(), identity: {}, access: {} } as Parameters<
  typeof routeTable
>[0]);
// biome-ignore lint/suspicious/noExplicitAny: the tests walk through a document of free shape.
const document = openApiDocument(routes, '1.2.3') as any;

test('docs/openapi.json is what the route table makes; `npm run openapi` writes it', () => {
  assert.equal(readFileSync(DOCUMENT_FILE, 'utf8'), documentText());
});

describe('The document', () => {
  test('has every route with a name of its own', () => {
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path as object));
    assert.equal(operations.length, routes.length);
    assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, routes.length);
  });

  test('has every code that a route can answer, under its status', () => {
    for (const route of routes) {
      const { responses } = document.paths[route.path][route.method.toLowerCase()];
      for (const code of errorCodesOf(route)) {
        const { schema } = responses[ERRORS[code].status].content['application/problem+json'];
        assert.ok(schema.properties.code.enum.includes(code), `${route.path} ${code}`);
      }
    }
  });

  test('holds schemas that compile and examples that they accept', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(document, 'api', undefined, false);
    let examples = 0;
    const walk = (value: unknown, place: string) => {
      if (typeof value !== 'object' || value === null) return;
      for (const [name, item] of Object.entries(value)) {
        const at = `${place}/${encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))}`;
        if (name === 'schema') {
          const validate = ajv.getSchema(`api#${at}`);
          const { example } = value as { example?: unknown };
          for (const each of [...(item.examples ?? []), ...(example === undefined ? [] : [example])]) {
            examples++;
            assert.ok(validate?.(each), `${at}: ${ajv.errorsText(validate?.errors)}`);
          }
        } else walk(item, at);
      }
    };
    walk(document.paths, '/paths');
    assert.ok(examples > 20);
  });

  test('shows the three forms of a picture and asks for a key', () => {
    const { requestBody, parameters, security } = document.paths['/v1/face/search'].post;
    assert.deepEqual(Object.keys(requestBody.content), [
      'application/json',
      'multipart/form-data',
      'application/octet-stream',
      'image/*',
    ]);
    assert.deepEqual(
      parameters.map(({ name, required }: { name: string; required: boolean }) => [name, required]),
      [
        ['collectionId', false],
        ['faceMatchThreshold', false],
        ['model', false],
        ['attributes', false],
        ['minFaceSize', false],
      ],
    );
    assert.deepEqual(security, [{ ApiKey: [] }, { Bearer: [] }, { XApiKey: [] }, { Session: [] }]);
    assert.deepEqual(document.paths['/v1/healthz'].get.security, []);
  });
});
