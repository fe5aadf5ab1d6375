/** What every answer has in common, whichever table it comes from: id, log line, headers, errors. */
import Koa from 'koa';
import type { Trail } from '../access/audit-trail.ts';
import { type ErrorCode, VisageError } from '../errors.ts';
import { type Log, logRequest, type RequestRecord } from '../ops/log.ts';
import { ClientGoneError } from './body.ts';
import { PROBLEM_TYPE, problemHeaders, problemOf } from './problem.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts';
import { answerAndClose, hasUnreadBody } from './unread-body.ts';

/** What the middleware knows of a request. */
export interface RequestState {
  requestId: string;
  /** Pattern of the route that matched, for the log. */
  route: string | null;
  /** The route's `operationId`, where it is one of the table. */
  operation: string | null;
  /** Who is calling, as far as that is known. */
  trail: Pick<Trail, 'caller'> | null;
}

/** Is told of every request. */
export interface RequestObserver {
  requestBegan(): void;
  /** The answer has left, or the client has gone. */
  requestEnded(record: RequestRecord): void;
}

export type Context = Koa.ParameterizedContext<RequestState>;
export type App = Koa<RequestState>;

/** Headers of every answer. The documentation page widens the content policy for itself. */
const HEADERS = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
] as const;

function answerProblem(context: Context, error: unknown, log: Log): ErrorCode {
  const { requestId } = context.state;
  const problem = problemOf(error, requestId);
  if (!(error instanceof VisageError)) log.error({ requestId, err: error }, 'unexpected error');
  else if (error.cause !== undefined) log.error({ requestId, err: error.cause }, 'why a call was refused');
  context.status = problem.status;
  context.set(problemHeaders(problem.code, error instanceof VisageError ? error.retryAfter : undefined));
  context.body = Buffer.from(JSON.stringify(problem));
  context.type = PROBLEM_TYPE;
  return problem.code;
}

/**
 * Node's parser lets through what is no URL. Reading the path of it throws or, for a wrong port, has Node write a warning
 * to standard error with the whole of it, so it is looked at before.
 */
function checkTarget(context: Context): void {
  const { url } = context.req;
  try {
    if (url && /^[/*]/.test(url)) void context.path;
    else new URL(url ?? '');
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

/** What is known of a request at its end. */
function recordOf(
  { method, res, status, state }: Context,
  began: number,
  code: ErrorCode | null,
): RequestRecord {
  const { requestId, route, operation, trail } = state;
  const { accountId = null, key = null, member = null } = trail?.caller ?? {};
  return {
    requestId,
    method,
    route,
    operation,
    status: res.headersSent ? status : CLIENT_GONE_STATUS,
    ms: performance.now() - began,
    code,
    aborted: !res.writableFinished,
    account: accountId,
    key: key?.id ?? null,
    member: member?.id ?? null,
  };
}

/** An application without routes. @param observer is told of every request. */
export function createKoaApp(log: Log, observer?: RequestObserver): App {
  const app: App = new Koa<RequestState>();
  // Koa's own handler would print to the console what happens to a connection after the answer.
  app.on('error', (error: unknown, context?: Context) =>
    log.debug({ requestId: context?.state.requestId, err: error }, 'connection error'),
  );

  app.use(async (context, next) => {
    const began = performance.now();
    const requestId = requestIdOf(context.req.headers['x-request-id']);
    context.state = { requestId, route: null, operation: null, trail: null };
    for (const [name, value] of HEADERS) context.res.setHeader(name, value);
    context.res.setHeader(REQUEST_ID_HEADER, requestId);
    let code: ErrorCode | null = null;
    observer?.requestBegan();
    context.res.once('close', () => {
      const record = recordOf(context, began, code);
      observer?.requestEnded(record);
      logRequest(log, record);
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
