/** The public API: the route table, mounted. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import Router from '@koa/router';
import type { Caller } from '../access/caller.ts';
import { VisageError } from '../errors.ts';
import { readBody } from './body.ts';
import { imageReader } from './image-request.ts';
import { parseJson } from './json-body.ts';
import type { App, Context, RequestState } from './koa-app.ts';
import { bodyForm } from './media-type.ts';
import type { PublicRequest, Route, RouteResponse, Schema } from './route.ts';
import { compile, queryParameters } from './validation.ts';

/** Bytes of a JSON body without a picture. */
const MAX_JSON_BYTES = 64 * 1024;

/** Says who sends a request, by all values of each header. @throws VisageError with a 401 code. */
export type Authenticate = (
  headers: Readonly<Record<string, readonly string[] | undefined>>,
) => Caller | Promise<Caller>;

const NO_PARAMETERS: Schema = { type: 'object', additionalProperties: false };

type BodyReader = (request: IncomingMessage, response: ServerResponse) => Promise<Record<string, unknown>>;

function jsonReader(schema: Schema): BodyReader {
  const validate = compile(schema, 'typed');
  return async (request, response) => {
    bodyForm(request.headers, ['json']);
    return validate(parseJson(await readBody(request, response, MAX_JSON_BYTES)));
  };
}

/** Answers one request of a route. Who is calling is settled before a byte of the body is read. */
type Responder = (context: Context) => Promise<RouteResponse>;

function responderOf(route: Route, authenticate: Authenticate): Responder {
  if (route.image === 'required') {
    const read = imageReader(route.body ?? NO_PARAMETERS);
    return async ({ req, res, querystring, state }) => {
      const caller = await authenticate(req.headersDistinct);
      const { body, image } = await read(req, res, querystring);
      return route.handler({ requestId: state.requestId, caller, query: {}, body, image });
    };
  }
  const validateQuery = compile(route.query ?? NO_PARAMETERS, 'textual');
  const readJson = route.body && jsonReader(route.body);
  const input = async ({ req, res, querystring, state }: Context): Promise<PublicRequest> => ({
    requestId: state.requestId,
    query: validateQuery(queryParameters(querystring)),
    body: readJson ? await readJson(req, res) : {},
  });
  if (route.access === 'public') return async (context) => route.handler(await input(context));
  return async (context) => {
    const caller = await authenticate(context.req.headersDistinct);
    return route.handler({ ...(await input(context)), caller });
  };
}

function answer(context: Context, route: Route, response: RouteResponse): void {
  const contentType = route.responses[response.status]?.contentType ?? 'application/json';
  context.status = response.status;
  context.body = contentType === 'application/json' ? JSON.stringify(response.body) : response.body;
  context.type = contentType;
}

/**
 * The router of a table of routes.
 * @throws Error if a schema of the table does not compile.
 */
export function createRouter(routes: readonly Route[], authenticate: Authenticate): Router<RequestState> {
  const router = new Router<RequestState>({ sensitive: true, strict: true });
  for (const route of routes) {
    const respond = responderOf(route, authenticate);
    router.register(route.path, [route.method], async (context) => {
      context.state.route = route.path;
      answer(context, route, await respond(context));
    });
  }
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
    context.set('Allow', [...methods, 'OPTIONS'].join(', '));
    if (context.method !== 'OPTIONS') {
      throw new VisageError('METHOD_NOT_ALLOWED', 'This path does not take the method.');
    }
    context.status = 204;
  });
}
