/** The public API: the route table, mounted. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import Router from '@koa/router';
import type { Audit } from '../access/audit.ts';
import { recordAct, recordRefusal, type Trail } from '../access/audit-trail.ts';
import type { Caller } from '../access/caller.ts';
import type { Gate } from '../access/gate.ts';
import { VisageError } from '../errors.ts';
import { releaseBytes } from '../native/memory.ts';
import { readBody } from './body.ts';
import { type CorsOrigins, corsHeaders, preflightHeaders } from './cors.ts';
import type { ImageFetcher } from './image-fetch.ts';
import { imageReader } from './image-request.ts';
import { parseJson } from './json-body.ts';
import type { App, Context, RequestState } from './koa-app.ts';
import { bodyForm } from './media-type.ts';
import type {
  CallerRoute,
  ImageSources,
  PublicRequest,
  PublicRoute,
  Route,
  RouteResponse,
  Schema,
} from './route.ts';
import { requiredOf } from './schema.ts';
import { compile, queryParameters } from './validation.ts';

/** Bytes of a JSON body without a picture. */
const MAX_JSON_BYTES = 64 * 1024;

const NO_PARAMETERS: Schema = { type: 'object', additionalProperties: false };

type BodyReader = (request: IncomingMessage, response: ServerResponse) => Promise<Record<string, unknown>>;

/** Whether a request comes without a body, as `curl -X POST` sends it. */
function hasNoBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}

function jsonReader(schema: Schema): BodyReader {
  const validate = compile(schema, 'typed');
  const isOptional = requiredOf(schema).length === 0;
  return async (request, response) => {
    if (isOptional && hasNoBody(request)) return validate({});
    bodyForm(request.headers, ['json']);
    return validate(parseJson(await readBody(request, response, MAX_JSON_BYTES)));
  };
}

/** Reads what a handler is given of a request, but for who is calling and from where. */
type InputReader = (
  context: Context,
  caller: Caller | null,
) => Promise<{
  readonly query: Record<string, unknown>;
  readonly body: Record<string, unknown>;
  readonly images: ImageSources;
  /** What the pictures are views of, where there are any. */
  readonly raw: Buffer | null;
}>;

function inputReaderOf(route: Route, fetchImage: ImageFetcher | null): InputReader {
  if (route.images) {
    const read = imageReader(route.images, route.body ?? NO_PARAMETERS, fetchImage);
    return async ({ req, res, querystring }, caller) => ({
      query: {},
      ...(await read(req, res, querystring, (caller as Caller).accountId)),
    });
  }
  const validateQuery = compile(route.query ?? NO_PARAMETERS, 'textual');
  const readJson = route.body && jsonReader(route.body);
  return async ({ req, res, querystring }) => ({
    query: validateQuery(queryParameters(querystring)),
    body: readJson ? await readJson(req, res) : {},
    images: {},
    raw: null,
  });
}

/** Checks the parameters of a path: what cannot be there is not there. */
function pathReaderOf({ params = {} }: Route): (values: unknown) => Record<string, string> {
  const validate = compile(
    { type: 'object', properties: params, required: Object.keys(params), additionalProperties: false },
    'textual',
  );
  return (values) => {
    try {
      return validate({ ...(values as object) }) as Record<string, string>;
    } catch {
      throw new VisageError('NOT_FOUND', 'There is nothing at this path.');
    }
  };
}

function handle(route: Route, request: PublicRequest, caller: Caller | null, images: ImageSources) {
  if (route.access.by === 'anyone') return (route as PublicRoute).handler(request);
  if (caller === null) throw new Error(`The gate let nobody into ${route.operationId}`);
  if (!route.images) return (route as CallerRoute).handler({ ...request, caller });
  return route.handler({ ...request, caller, images });
}

/** What the routes are mounted on. */
export interface RouterParts {
  readonly gate: Gate;
  readonly audit: Pick<Audit, 'record' | 'refuse'>;
  readonly origins: CorsOrigins;
  /** Null where pictures are not fetched by URL. */
  readonly fetchImage: ImageFetcher | null;
}

/** Answers one request of a route. Who is calling is settled before a byte of the body is read. */
function responderOf(
  route: Route,
  { gate, audit, fetchImage }: RouterParts,
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
    const { query, body, images, raw } = await readInput(context, caller);
    const request = { requestId, address, headers, params, query, body };
    const work = async () => handle(route, request, caller, images);
    try {
      const response = await admission.run(work, route.units?.(body));
      await recordAct(audit, route, trail, request, response);
      return response;
    } finally {
      if (raw) releaseBytes(raw);
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

function answer(context: Context, route: Route, response: RouteResponse): void {
  const contentType = route.responses[response.status]?.contentType ?? 'application/json';
  for (const [name, value] of Object.entries(response.headers ?? {})) context.set(name, [value].flat());
  context.status = response.status;
  if (response.status === 204) return;
  context.body = contentType === 'application/json' ? JSON.stringify(response.body) : response.body;
  context.type = contentType;
}

/** The path as the router writes it. */
function patternOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

/** Answers OPTIONS: what a path takes, and to a browser whether a page may send it. */
function addOptions(
  router: Router<RequestState>,
  routes: readonly Route[],
  path: string,
  origins: CorsOrigins,
): void {
  const own = routes.filter((route) => route.path === path);
  const methods = own.flatMap(({ method }) => (method === 'GET' ? ['HEAD', 'GET'] : [method]));
  router.options(patternOf(path), (context) => {
    const { origin, 'access-control-request-method': asked } = context.req.headersDistinct;
    context.state.route = path;
    context.set({
      ...preflightHeaders(own, asked?.[0], origin, origins),
      Allow: [...methods, 'OPTIONS'].join(', '),
    });
    context.status = 204;
  });
}

/**
 * The router of a table of routes.
 * @throws Error if a schema of the table does not compile.
 */
export function createRouter(routes: readonly Route[], parts: RouterParts): Router<RequestState> {
  const router = new Router<RequestState>({ sensitive: true, strict: true });
  for (const route of routes) {
    const respond = responderOf(route, parts);
    router.register(patternOf(route.path), [route.method], async (context) => {
      context.state.route = route.path;
      context.state.operation = route.operationId;
      context.set(corsHeaders(route, context.req.headersDistinct.origin, parts.origins));
      answer(context, route, await respond(context));
    });
  }
  for (const path of new Set(routes.map((route) => route.path)))
    addOptions(router, routes, path, parts.origins);
  return router;
}

/** Mounts a router: 404 for a path that it does not know, 405 and `Allow` for a method, 204 for OPTIONS. */
export function mountRouter(app: App, router: Router<RequestState>): void {
  app.use(router.routes());
  app.use((context) => {
    const methods = new Set(
      router.match(context.path, context.method).path.flatMap((layer) => layer.methods),
    );
    if (methods.size === 0) throw new VisageError('NOT_FOUND', 'There is nothing at this path.');
    context.set('Allow', [...new Set([...methods, 'OPTIONS'])].join(', '));
    if (context.method !== 'OPTIONS') {
      throw new VisageError('METHOD_NOT_ALLOWED', 'This path does not take the method.');
    }
    context.status = 204;
  });
}
