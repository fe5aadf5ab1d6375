import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Schema } from '../../src/api/schema.ts';
import { ERRORS } from '../../src/errors.ts';
import { ComponentSchemas } from '../../src/http/component-schemas.ts';
import { errorCodesOf, openApiDocument } from '../../src/http/openapi.ts';
import { Health } from '../../src/ops/health.ts';
import { routeTable } from '../../src/service/app.ts';
import { DOCUMENT_FILE, documentText } from '../../tools/write-openapi.ts';

const routes = routeTable({ health: new Health(), identity: {}, access: {} } as Parameters<
  typeof routeTable
>[0]);
interface Named {
  readonly name: string;
}

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
        const { description, content } = responses[ERRORS[code].status];
        assert.match(description, new RegExp(`^\`${code}\`: `, 'm'), `${route.path} ${code}`);
        assert.deepEqual(content['application/problem+json'].schema, {
          $ref: '#/components/schemas/Problem',
        });
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

  test('shows the forms of an image, JSON first, with the same parameters in the query, and asks for a key', () => {
    const { requestBody, parameters: all, security } = document.paths['/v1/face/search'].post;
    const parameters = all.filter(({ name }: Named) => name !== undefined);
    assert.deepEqual(all.slice(parameters.length), [{ $ref: '#/components/parameters/IdempotencyKey' }]);
    assert.deepEqual(requestBody, { $ref: '#/components/requestBodies/SearchFace' });
    assert.deepEqual(Object.keys(document.components.requestBodies.SearchFace.content), [
      'application/json',
      'multipart/form-data',
      'application/octet-stream',
      'image/*',
    ]);
    const { properties, required } = document.components.schemas.SearchFaceInput;
    assert.deepEqual(Object.keys(properties), ['image', ...parameters.map(({ name }: Named) => name)]);
    assert.deepEqual(required, ['image', 'collectionId']);
    for (const parameter of parameters) {
      assert.equal(parameter.required, false, parameter.name);
      assert.equal(parameter.schema.default, undefined, `${parameter.name}: a page would send the default`);
    }
    assert.deepEqual(security, [{ ApiKey: [] }, { Bearer: [] }, { XApiKey: [] }, { Session: [] }]);
    assert.deepEqual(document.paths['/v1/healthz'].get.security, []);
  });

  test('has an example for every parameter of an image call, so that a page invents none', () => {
    for (const route of routes.filter(({ images }) => images !== undefined)) {
      for (const [name, { examples, enum: values, type, default: fallback }] of Object.entries(
        (route.body?.properties ?? {}) as Record<string, Schema>,
      )) {
        const isKnown = examples !== undefined || values !== undefined || fallback !== undefined;
        assert.ok(isKnown || type !== 'string', `${route.operationId} ${name}`);
      }
    }
  });

  test('names every JSON answer and request, and keeps answers open for new fields', () => {
    const { schemas } = document.components;
    for (const route of routes) {
      const { responses } = document.paths[route.path][route.method.toLowerCase()];
      for (const [status, { content = {} }] of Object.entries<{ content?: object }>(responses)) {
        const media = (content as Record<string, { schema: { $ref?: string } }>)['application/json'];
        if (!media) continue;
        assert.match(media.schema.$ref ?? '', /^#\/components\/schemas\//, `${route.operationId} ${status}`);
        assert.ok(
          !('additionalProperties' in schemas[(media.schema.$ref as string).split('/').pop() as string]),
        );
      }
    }
    assert.equal(schemas.SearchFaceInput.additionalProperties, false);
  });
});

describe('A titled schema', () => {
  const face = { title: 'Face', type: 'object', properties: { x: { type: 'integer' } }, description: 'One.' };

  test('stands in the document once, and each use keeps its own description', () => {
    const schemas = new ComponentSchemas();
    assert.deepEqual(schemas.refer(face, 'answer'), { $ref: '#/components/schemas/Face' });
    assert.deepEqual(schemas.refer({ ...face, description: 'Another.' }, 'answer'), {
      $ref: '#/components/schemas/Face',
      description: 'Another.',
    });
    assert.deepEqual(schemas.refer({ ...face, type: ['object', 'null'], description: 'None.' }, 'answer'), {
      anyOf: [{ $ref: '#/components/schemas/Face' }, { type: 'null' }],
      description: 'None.',
    });
    const { title: _, ...rest } = face;
    assert.deepEqual(schemas.all(), { Face: rest });
  });

  test('is refused where another one of that title is different', () => {
    const schemas = new ComponentSchemas();
    schemas.refer(face, 'answer');
    assert.throws(() => schemas.refer({ ...face, properties: {} }, 'answer'), /title Face differ/);
  });
});
