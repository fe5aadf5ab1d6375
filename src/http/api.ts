import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import Router from '@koa/router';
import type { Audit } from '../access/audit/audit.ts';
import { recordAct, recordRefusal, type Trail } from '../access/audit/audit-trail.ts';
import type { AddressLimits } from '../access/gate/address-limits.ts';
import type { Gate } from '../access/gate/gate-parts.ts';
import type { Idempotency, RunRequest } from '../access/idempotency.ts';
import { type Caller, tenantOf } from '../api/caller.ts';
import { hasTag } from '../api/etag.ts';
import { idempotencyKeyOf } from '../api/idempotency-key.ts';
import type { ImageSources, Route, RouteResponse } from '../api/route.ts';
import { requiredOf, type Schema } from '../api/schema.ts';
import { compile, elsewhere, queryParameters } from '../api/validation.ts';
import { originOf } from '../base/client-address.ts';
import { Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import { releaseBytes } from '../native/system.ts';
import { ClientGoneError, readBody } from './body.ts';
import type { BodyBudget, BodyHold } from './body-budget.ts';
import { type CorsOrigins, corsHeaders, preflightHeaders } from './cors.ts';
import type { ImageFetcher } from './image-fetch.ts';
import { ImageReader } from './image-request.ts';
import { parseJson } from './json-body.ts';
import { type App, type Context, limitByAddress, type RequestState } from './koa-app.ts';
import { bodyForm } from './media-type.ts';
import { refusalPace } from './refusal-pace.ts';

/** Beyond this many open requests, the account's refusals wait. */
const MANY_REQUESTS = 16;

const MAX_JSON_BYTES = 64 * 1024;

const JSON_ITEMS = 64;

const JSON_BODY = 'the JSON body';
const QUERY = 'the query';

const NO_PARAMETERS: Schema = { type: 'object', additionalProperties: false };

type BodyReader = (
  request: IncomingMessage,
  response: ServerResponse,
  hold: BodyHold,
) => Promise<{ readonly body: Record<string, unknown>; readonly bytes: Buffer }>;

const NO_BYTES = Buffer.alloc(0);

function hasNoBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}

function jsonReader(schema: Schema, query: Schema): BodyReader {
  const place = { here: JSON_BODY, elsewhere: elsewhere(query, QUERY) };
  const validate = compile(schema, 'typed', place);
  const isOptional = requiredOf(schema).length === 0;
  return async (request, response, hold) => {
    if (isOptional && hasNoBody(request)) return { body: validate({}), bytes: NO_BYTES };
    bodyForm(request.headers, ['json']);
    const bytes = await readBody(request, response, MAX_JSON_BYTES, hold);
    return { body: validate(parseJson(bytes)), bytes };
  };
}

/** @param hold counts bytes of body and fetched images. */
type InputReader = (
  context: Context,
  caller: Caller | null,
  hold: BodyHold,
) => Promise<{
  readonly query: Record<string, unknown>;
  readonly body: Record<string, unknown>;
  readonly images: ImageSources;
  readonly raw: Buffer | null;
  readonly pieces: () => readonly Uint8Array[];
}>;

function inputReaderOf(route: Route, fetchImage: ImageFetcher | null): InputReader {
  if (route.images) {
    const reader = new ImageReader(route.images, route.body ?? NO_PARAMETERS, fetchImage);
    return async ({ req, res, querystring }, caller, hold) => ({
      query: {},
      ...(await reader.read(req, res, querystring, { accountId: (caller as Caller).accountId, hold })),
    });
  }
  const query = route.query ?? NO_PARAMETERS;
  const place = { here: QUERY, elsewhere: elsewhere(route.body, JSON_BODY) };
  const validateQuery = compile(query, 'textual', place);
  const readJson = route.body && jsonReader(route.body, query);
  return async ({ req, res, querystring }, _caller, hold) => {
    const values = validateQuery(queryParameters(querystring));
    const { body, bytes } = readJson ? await readJson(req, res, hold) : { body: {}, bytes: NO_BYTES };
    return { query: values, body, images: {}, raw: null, pieces: () => [bytes] };
  };
}

function pathReaderOf({ params = {} }: Route): (values: unknown) => Record<string, string> {
  const validate = compile(
    { type: 'object', properties: params, required: Object.keys(params), additionalProperties: false },
    'textual',
  );
  return (values) => {
    try {
      return validate({ ...(values as object) }) as Record<string, string>;
    } catch {
      throw new VisageError('NOT_FOUND', 'No endpoint has this path; /swagger lists them.');
    }
  };
}

export interface RouterParts {
  readonly gate: Gate;
  readonly audit: Pick<Audit, 'record' | 'refuse'>;
  readonly origins: CorsOrigins;
  readonly fetchImage: ImageFetcher | null;
  readonly bodies: BodyBudget;
  readonly idempotency: Pick<Idempotency, 'run'>;
  /** Absent: no limits. */
  readonly addresses?: AddressLimits;
}

function responderOf(
  route: Route,
  { gate, audit, fetchImage, bodies, idempotency }: RouterParts,
): (context: Context) => Promise<RouteResponse> {
  const readPath = pathReaderOf(route);
  const readInput = inputReaderOf(route, fetchImage);
  const respond = async (context: Context, trail: Trail) => {
    const { requestId } = trail;
    const headers = context.req.headersDistinct;
    const admission = await gate(route, {
      requestId,
      headers,
      peer: context.req.socket.remoteAddress,
      setHeader: (name, value) => context.set(name, value),
      trail,
    });
    const { caller, address } = admission;
    const params = readPath(context.params);
    const key = idempotencyKeyOf(route, headers);
    const hold = bodies.open(
      caller ? tenantOf(caller) : { account: `address ${originOf(address)}`, key: '' },
    );
    try {
      if (!caller && route.access.by !== 'anyone')
        throw new Error(`The gate let nobody into ${route.operationId}`);
      const { raw, pieces, ...input } = await readInput(context, caller, hold);
      const { reauthorize } = admission;
      const request = { requestId, address, headers, params, caller, reauthorize, ...input };
      let begun: RouteResponse['stream'];
      const run: RunRequest = async (asked, settling) => {
        const work = async () => {
          const response = await route.handler(asked);
          begun = response.stream;
          return response;
        };
        const response = await admission.runAuthorized(work, route.units?.(input.body), settling);
        await recordAct(audit, route, trail, asked, response);
        return response;
      };
      try {
        if (key === null || !caller) return await run(request);
        return await idempotency.run({ route, request: { ...request, caller }, key, pieces }, run);
      } catch (error) {
        void begun?.return?.();
        throw error;
      } finally {
        if (raw) releaseBytes(raw);
      }
    } catch (error) {
      if (!(error instanceof ClientGoneError)) admission.recordFailure?.();
      hold.empty();
      const isRefusal = error instanceof VisageError;
      if (isRefusal && (error.code === 'OVERLOADED' || hold.requests > MANY_REQUESTS)) {
        await refusalPace();
      }
      throw error;
    } finally {
      hold.close();
    }
  };
  return async (context) => {
    const { requestId } = context.state;
    const trail: Trail = { requestId, address: context.req.socket.remoteAddress ?? null, caller: null };
    context.state.trail = trail;
    try {
      return await respond(context, trail);
    } catch (error) {
      recordRefusal(audit, route, trail, error);
      throw error;
    }
  };
}

/** `JSON.stringify` in turns. */
async function jsonText(body: unknown): Promise<string> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return JSON.stringify(body);
  const turn = new Turn();
  const fields: string[] = [];
  for (const [name, value] of Object.entries(body)) {
    if (!Array.isArray(value) || value.length <= JSON_ITEMS) {
      const text = JSON.stringify(value);
      if (text !== undefined) fields.push(`${JSON.stringify(name)}:${text}`);
      continue;
    }
    const pieces: string[] = [];
    for (let from = 0; from < value.length; from += JSON_ITEMS) {
      if (turn.isOver) await turn.next();
      pieces.push(JSON.stringify(value.slice(from, from + JSON_ITEMS)).slice(1, -1));
    }
    fields.push(`${JSON.stringify(name)}:[${pieces.join()}]`);
  }
  return `{${fields.join()}}`;
}

async function answer(context: Context, route: Route, response: RouteResponse): Promise<void> {
  const contentType = route.responses[response.status]?.contentType ?? 'application/json';
  for (const [name, value] of Object.entries(response.headers ?? {})) context.set(name, [value].flat());
  const tag = route.etag === 'read' ? response.headers?.ETag : undefined;
  const isKnown = typeof tag === 'string' && hasTag(context.req.headersDistinct, tag);
  context.status = isKnown ? 304 : response.status;
  if (context.status === 204 || context.status === 304) return;
  if (response.stream) {
    context.state.streamsSince = performance.now();
    // Otherwise reverse proxies collect chunks.
    context.set('X-Accel-Buffering', 'no');
    context.type = contentType;
    if (context.method === 'HEAD') void response.stream.return?.();
    else context.body = Readable.from(response.stream, { objectMode: false });
    return;
  }
  context.body = contentType === 'application/json' ? await jsonText(response.body) : response.body;
  context.type = contentType;
}

function patternOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

function addOptions(
  router: Router<RequestState>,
  routes: readonly Route[],
  path: string,
  { origins, addresses }: RouterParts,
): void {
  const own = routes.filter((route) => route.path === path);
  const methods = own.flatMap(({ method }) => (method === 'GET' ? ['HEAD', 'GET'] : [method]));
  router.options(patternOf(path), (context) => {
    const { origin, 'access-control-request-method': asked } = context.req.headersDistinct;
    context.state.route = path;
    limitByAddress(context, addresses, 'preflight');
    context.set({
      ...preflightHeaders(own, asked?.[0], origin, origins),
      Allow: [...methods, 'OPTIONS'].join(', '),
    });
    context.status = 204;
  });
}

export function createRouter(routes: readonly Route[], parts: RouterParts): Router<RequestState> {
  const router = new Router<RequestState>({ sensitive: true, strict: true });
  for (const route of routes) {
    const respond = responderOf(route, parts);
    router.register(patternOf(route.path), [route.method], async (context) => {
      context.state.route = route.path;
      context.state.operation = route.operationId;
      context.set(corsHeaders(route, context.req.headersDistinct.origin, parts.origins));
      await answer(context, route, await respond(context));
    });
  }
  for (const path of new Set(routes.map((route) => route.path))) addOptions(router, routes, path, parts);
  return router;
}

export function mountRouter(app: App, router: Router<RequestState>, addresses?: AddressLimits): void {
  app.use(router.routes());
  app.use((context) => {
    limitByAddress(context, addresses);
    const methods = new Set(
      router.match(context.path, context.method).path.flatMap((layer) => layer.methods),
    );
    if (methods.size === 0)
      throw new VisageError('NOT_FOUND', 'No endpoint has this path; /swagger lists them.');
    const allowed = [...new Set([...methods, 'OPTIONS'])].join(', ');
    context.set('Allow', allowed);
    if (context.method !== 'OPTIONS') {
      throw new VisageError('METHOD_NOT_ALLOWED', `This endpoint accepts: ${allowed}.`);
    }
    context.status = 204;
  });
}
