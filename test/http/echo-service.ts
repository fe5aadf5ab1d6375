import { createHash } from 'node:crypto';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { pino } from 'pino';
import type { Gate } from '../../src/access/gate/gate-parts.ts';
import { type ImageSource, ONE_IMAGE, type Route, route } from '../../src/api/route.ts';
import { VisageError } from '../../src/errors.ts';
import { createRouter, mountRouter } from '../../src/http/api.ts';
import { BodyBudget } from '../../src/http/body-budget.ts';
import type { ImageFetcher } from '../../src/http/image-fetch.ts';
import { createKoaApp } from '../../src/http/koa-app.ts';
import { createHttpServer, drain, listen } from '../../src/http/server.ts';
import { keyCaller } from '../../testing/key-caller.ts';

export const KEY = 'a-key';

export const ORIGINS = {
  dashboardOrigin: 'https://dashboard.example',
  allowedOrigins: ['https://app.example', 'http://localhost:5173'],
};

const OK = { 200: { description: 'What was given.', schema: { type: 'object' } } } as const;
const parameters = {
  type: 'object',
  additionalProperties: false,
  required: ['collectionId'],
  properties: {
    collectionId: { type: 'string', minLength: 1, maxLength: 20, pattern: '^[a-z]*$' },
    threshold: { type: 'number', minimum: 0, maximum: 100, default: 80 },
    flag: { type: 'boolean', default: false },
  },
} as const;

const ENTRY = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: { name: { type: 'string', maxLength: 10 }, weight: { type: 'number', default: 1 } },
} as const;

/** Answers the parameters, and each image's source and SHA-256. */
async function echoImages({
  images,
  body,
}: {
  readonly images: Readonly<Record<string, ImageSource | readonly ImageSource[] | undefined>>;
  readonly body: object;
}) {
  const given = Object.entries(images).map(([name, sources = []]) => [name, [sources].flat()] as const);
  const told = given
    .filter(([, sources]) => sources.length > 0)
    .map(async ([name, sources]) => {
      const opened = await Promise.all(sources.map((open) => open()));
      return [
        name,
        opened.map(({ encoding, data }) => [encoding, createHash('sha256').update(data).digest('hex')]),
      ];
    });
  return { status: 200 as const, body: { ...body, images: Object.fromEntries(await Promise.all(told)) } };
}

/** The body of `GET /list`. */
export function listed(length: number): object {
  const items = Array.from({ length }, (_, i) =>
    i % 3 === 0 ? null : { i, 'a "name"': `[é,${i}]`, none: undefined },
  );
  return { before: 1, none: undefined, items, 'the "last"': items.map((item) => item?.i), after: { items } };
}

export interface EchoHooks {
  readonly fetchImage: ImageFetcher | null;
  held: Promise<void>;
  picture: Uint8Array | null;
}

function echoRoutes(hooks: EchoHooks): Route[] {
  const base = { tags: [], errors: [], responses: OK, summary: '' } as const;
  return [
    route({
      ...base,
      method: 'POST',
      path: '/image',
      operationId: 'image',
      access: { by: 'caller', scope: 'v1:faces' },
      images: ONE_IMAGE,
      body: parameters,
      handler: async ({ images, body }) => {
        await hooks.held;
        const image = await images.image();
        hooks.picture = image.data;
        const sha256 = createHash('sha256').update(image.data).digest('hex');
        return {
          status: 200,
          body: { ...body, encoding: image.encoding, length: image.data.length, sha256 },
        };
      },
    }),
    route({
      ...base,
      method: 'POST',
      path: '/pair',
      operationId: 'pair',
      access: { by: 'caller', scope: 'v1:faces' },
      images: { image: { kind: 'one', required: true }, targetImage: { kind: 'one', required: false } },
      body: parameters,
      handler: echoImages,
    }),
    route({
      ...base,
      method: 'POST',
      path: '/frames',
      operationId: 'frames',
      access: { by: 'caller', scope: 'v1:faces' },
      images: { image: { kind: 'one', required: false }, images: { kind: 'list', max: 3 } },
      handler: echoImages,
    }),
    route({
      ...base,
      method: 'POST',
      path: '/batch',
      operationId: 'batch',
      access: { by: 'caller', scope: 'v1:faces' },
      images: { faces: { kind: 'entries', max: 100, item: ENTRY } },
      body: parameters,
      handler: echoImages,
    }),
    route({
      ...base,
      method: 'POST',
      path: '/json',
      operationId: 'json',
      access: { by: 'caller', scope: 'v1:faces' },
      body: parameters,
      handler: ({ body }) => ({ status: 200, body }),
    }),
    route({
      ...base,
      method: 'GET',
      path: '/query',
      operationId: 'query',
      access: { by: 'caller', scope: 'v1:faces' },
      query: parameters,
      handler: ({ query }) => ({ status: 200, body: query }),
    }),
    route({
      ...base,
      method: 'GET',
      path: '/list',
      operationId: 'list',
      access: { by: 'caller', scope: 'v1:faces' },
      query: {
        type: 'object',
        additionalProperties: false,
        required: ['length'],
        properties: { length: { type: 'integer' } },
      },
      handler: ({ query }) => ({ status: 200, body: listed(query.length) }),
    }),
  ];
}

const FAIL = route({
  tags: [],
  errors: [],
  responses: OK,
  summary: '',
  method: 'GET',
  path: '/fail',
  operationId: 'fail',
  access: { by: 'anyone' },
  query: { type: 'object', additionalProperties: false, properties: { code: { type: 'string' } } },
  handler: ({ query }) => {
    if (query.code === 'OVERLOADED') throw new VisageError('OVERLOADED', 'Too much at once.');
    const inside = new Error('secret detail of the inside');
    if (query.code !== 'STORAGE_READ_ONLY') throw inside;
    throw Object.assign(new VisageError('STORAGE_READ_ONLY', 'No write.'), { cause: inside });
  },
});

export interface EchoService {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  readonly hooks: EchoHooks;
  readonly log: Record<string, unknown>[];
  raw(text: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startEchoService(fetchImage: ImageFetcher | null = null): Promise<EchoService> {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const hooks: EchoHooks = { held: Promise.resolve(), picture: null, fetchImage };
  const app = createKoaApp(log);
  const gate: Gate = (route, { headers, peer }) => {
    if (route.access.by !== 'anyone' && headers['x-api-key']?.[0] !== KEY)
      throw new VisageError('AUTHENTICATION_REQUIRED', 'Send a key.');
    return {
      caller: route.access.by === 'anyone' ? null : keyCaller('acc'),
      address: peer ?? '',
      reauthorize: () => {},
      runAuthorized: (handler) => handler(),
    };
  };
  const audit = { record: async () => {}, refuse: () => {} };
  mountRouter(
    app,
    createRouter([...echoRoutes(hooks), FAIL], {
      gate,
      audit,
      origins: ORIGINS,
      fetchImage: hooks.fetchImage,
      bodies: new BodyBudget(512_000_000),
      idempotency: { run: ({ request }, run) => run(request) },
    }),
  );
  const server = createHttpServer(app.callback());
  await listen(server, { host: '127.0.0.1', port: 0 });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    hooks,
    log: lines,
    raw: (text) =>
      new Promise((resolve, reject) => {
        let answer = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(text));
        socket.setEncoding('latin1');
        socket.on('data', (chunk) => {
          answer += chunk;
        });
        socket.on('end', () => socket.end());
        socket.on('close', () => resolve(answer));
        socket.on('error', reject);
      }),
    stop: () => drain(server, 100),
  };
}

/** The problem of an answer, with the claims that every problem must keep checked by the caller. */
export async function problem(response: Response): Promise<{
  status: number;
  code: string;
  detail: string;
  requestId: string;
  errors?: { path: string; message: string }[];
}> {
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('application/problem+json'))
    throw new Error(`Not a problem: ${response.status} ${type}`);
  return response.json() as never;
}
