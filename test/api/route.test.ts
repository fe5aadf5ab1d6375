import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ONE_IMAGE, type RouteRequest, route } from '../../src/api/route.ts';
import { EMPTY, type FromSchema, nullable, object } from '../../src/api/schema.ts';
import { compile } from '../../src/api/validation.ts';
import { keyCaller } from '../../testing/key-caller.ts';

function same<A, B>(
  _: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false,
): void {}

const FACE = object({ x: { type: 'integer' }, note: { type: 'string' } }, { optional: ['note'] });
const BODY = object(
  {
    id: { type: 'string' },
    limit: { type: 'integer', default: 10 },
    mode: { enum: ['fast', null] },
    tags: { type: ['array', 'null'], items: { type: 'string' } },
    face: nullable(FACE, 'A face.'),
    kind: { const: 'face' },
  },
  { required: ['id', 'face'] },
);

const BASE = {
  method: 'POST',
  path: '/things/{name}',
  operationId: 'doThings',
  summary: 'Do things',
  tags: [],
  access: { by: 'caller', scope: null },
  responses: { 200: { description: 'Done.', schema: object({ count: { type: 'integer' } }) } },
  errors: [],
} as const;

function requestOf(rest: Partial<RouteRequest>): RouteRequest {
  return {
    requestId: 'r',
    address: '127.0.0.1',
    headers: {},
    caller: keyCaller('acc'),
    reauthorize: () => {},
    params: {},
    query: {},
    body: {},
    images: {},
    ...rest,
  };
}

test('a value has the type of its schema, and the validator gives that type', () => {
  same<
    FromSchema<typeof BODY>,
    {
      readonly id: string;
      readonly limit: number;
      readonly face: { readonly x: number; readonly note?: string } | null;
      readonly mode?: 'fast' | null;
      readonly tags?: readonly string[] | null;
      readonly kind?: 'face';
    }
  >(true);
  const { limit, face } = compile(BODY, 'typed')({ id: 'a', face: { x: 1 } });
  assert.equal(limit + (face?.x ?? 0), 11);
  assert.deepEqual(BODY.required, ['id', 'face']);
});

test('object() takes the required or the optional names, and leaves an empty list out', () => {
  const properties = { a: { type: 'string' }, b: { type: 'string' } } as const;
  assert.deepEqual(object(properties).required, ['a', 'b']);
  assert.deepEqual(object(properties, { optional: ['a'] }).required, ['b']);
  assert.deepEqual(object(properties, { required: ['b'] }).required, ['b']);
  assert.equal('required' in object(properties, { required: [] }), false);
});

test('a handler is given each image parameter by its kind', async () => {
  const seen = route({
    ...BASE,
    images: {
      image: { kind: 'one', required: true },
      second: { kind: 'one', required: false },
      frames: { kind: 'list', max: 3 },
    },
    handler: async ({ images }) => {
      const { data } = await images.image();
      const count = data.length + (images.second ? 1 : 0) + images.frames.length;
      return { status: 200, body: { count } };
    },
  });
  const source = async () => ({ data: Buffer.from('abc'), encoding: 'binary' }) as const;
  const one = await seen.handler(requestOf({ images: { image: [source] } }));
  assert.deepEqual(one.body, { count: 3 });
  const all = await seen.handler(
    requestOf({ images: { image: [source], second: [source], frames: [source, source] } }),
  );
  assert.deepEqual(all.body, { count: 6 });
});

test('a wrong name in a handler, and an answer that its schema does not describe, do not compile', async () => {
  const entries = { kind: 'entries', max: 9, item: object({ key: { type: 'string' } }) } as const;
  const made = route({
    ...BASE,
    params: { name: { type: 'string' } },
    body: BODY,
    images: { ...ONE_IMAGE, faces: entries },
    audit: {
      action: 'thing.do',
      // @ts-expect-error: no parameter has this name
      target: 'nme',
    },
    units: ({ faces }) => faces.length,
    handler: ({ params, query, body, images }) => {
      const known = [params.name, body.limit, body.faces[0]?.key, images.image, images.faces];
      // @ts-expect-error: the path has no such parameter
      known.push(params.nam);
      // @ts-expect-error: the route has no query
      known.push(query.limit);
      // @ts-expect-error: the body has no such field
      known.push(body.limits);
      // @ts-expect-error: an entry has no such field
      known.push(body.faces[0]?.keys);
      // @ts-expect-error: the route takes no such image
      known.push(images.picture);
      return { status: 200, body: { count: known.length } };
    },
  });
  const response = await made.handler(requestOf({ body: { faces: [{ key: 'k' }] } }));
  assert.deepEqual(response.body, { count: 10 });
  route({
    ...BASE,
    // @ts-expect-error: the answer lacks its count
    handler: () => ({ status: 200, body: {} }),
  });
  route({
    ...BASE,
    // @ts-expect-error: the route has no answer of this status
    handler: () => ({ status: 201, body: { count: 1 } }),
  });
});

test('a route that is open to anyone takes no images', () => {
  const open = {
    ...BASE,
    access: { by: 'anyone' },
    responses: { 200: { description: '', schema: EMPTY } },
  } as const;
  assert.throws(
    () => route({ ...open, images: ONE_IMAGE, handler: () => ({ status: 200, body: {} }) }),
    /doThings/,
  );
});
