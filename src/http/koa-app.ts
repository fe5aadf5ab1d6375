/** What every answer has in common, whichever table it comes from: id, log line, headers, errors. */
import Koa from 'koa';
import { type ErrorCode, VisageError } from '../errors.ts';
import { type Log, logRequest } from '../ops/log.ts';
import { ClientGoneError } from './body.ts';
import { PROBLEM_TYPE, problemHeaders, problemOf } from './problem.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts';
import { answerAndClose, hasUnreadBody } from './unread-body.ts';

/** What the middleware knows of a request. */
export interface RequestState {
  requestId: string;
  /** Pattern of the route that matched, for the log. */
  route: string | null;
}

export type Context = Koa.ParameterizedContext<RequestState>;
export type App = Koa<RequestState>;

/** Headers of every answer. The documentation page widens the content policy for itself. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
};

function answerProblem(context: Context, error: unknown, log: Log): ErrorCode {
  const { requestId } = context.state;
  const problem = problemOf(error, requestId);
  if (!(error instanceof VisageError)) log.error({ requestId, err: error }, 'unexpected error');
  context.status = problem.status;
  context.set(problemHeaders(problem.code, error instanceof VisageError ? error.retryAfter : undefined));
  context.body = Buffer.from(JSON.stringify(problem));
  context.type = PROBLEM_TYPE;
  return problem.code;
}

/** Node's parser lets through what is no URL, and reading the path of it throws. */
function checkTarget(context: Context): void {
  try {
    void context.path;
  } catch {
    throw new VisageError('VALIDATION_FAILED', 'The request target is not a URL.');
  }
}

/** Sends the answer itself where the client is still sending. */
function closeIfUnread(context: Context): void {
  if (!hasUnreadBody(context.req)) return;
  const body = Buffer.isBuffer(context.body) ? context.body : Buffer.from(JSON.stringify(context.body ?? ''));
  context.respond = false;
  context.res.statusCode = context.status;
  answerAndClose(context.req, context.res, body);
}

/** Stands in the log for the status of an answer that nobody was there to get. */
const CLIENT_GONE_STATUS = 499;

/** An application without routes. */
export function createKoaApp(log: Log): App {
  const app: App = new Koa<RequestState>();
  // Koa's own handler would print to the console what happens to a connection after the answer.
  app.on('error', (error: unknown) => log.debug({ err: error }, 'connection error'));

  app.use(async (context, next) => {
    const began = performance.now();
    const requestId = requestIdOf(context.req.headers['x-request-id']);
    context.state = { requestId, route: null };
    context.set({ ...HEADERS, [REQUEST_ID_HEADER]: requestId });
    let code: ErrorCode | null = null;
    context.res.once('close', () => {
      const { method, res, state } = context;
      const aborted = !res.writableFinished;
      const status = res.headersSent ? context.status : CLIENT_GONE_STATUS;
      logRequest(log, {
        requestId,
        method,
        route: state.route,
        status,
        ms: performance.now() - began,
        code,
        aborted,
      });
    });
    try {
      checkTarget(context);
      await next();
    } catch (error) {
      if (error instanceof ClientGoneError) {
        context.respond = false;
        context.res.destroy();
        return;
      }
      code = answerProblem(context, error, log);
    }
    closeIfUnread(context);
  });
  return app;
}
