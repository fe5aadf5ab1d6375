import Koa from 'koa';
import type { Trail } from '../access/audit/audit-trail.ts';
import type { AddressLimitKind, AddressLimits } from '../access/gate/address-limits.ts';
import { PROBLEM_TYPE, problemHeaders, problemOf } from '../api/problem.ts';
import { originOf } from '../base/client-address.ts';
import { type ErrorCode, VisageError } from '../errors.ts';
import { type Log, logRequest, type RequestRecord } from '../ops/log.ts';
import type { LogBudget } from '../ops/log-budget.ts';
import { ClientGoneError } from './body.ts';
import { RefusalPace } from './refusal-pace.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './request-head.ts';
import { answerAndClose, hasUnreadBody } from './unread-body.ts';

export interface RequestState {
  requestId: string;
  route: string | null;
  operation: string | null;
  trail: Pick<Trail, 'caller'> | null;
  streamsSince?: number;
  isLogged: () => boolean;
}

export interface RequestObserver {
  requestBegan(): void;
  /** Also runs if the client hung up. */
  requestEnded(record: RequestRecord): void;
}

export interface AnonymousLimits {
  readonly addresses: AddressLimits;
  readonly lines: LogBudget;
}

export type Context = Koa.ParameterizedContext<RequestState>;
export type App = Koa<RequestState>;

// Koa reads this global; loading it takes 25 to 70 ms.
void Response;

const HEADERS = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
] as const;

/**
 * For requests outside the route table.
 * @throws `RATE_LIMIT_EXCEEDED`.
 */
export function limitByAddress(
  { req, res }: Context,
  addresses: AddressLimits | undefined,
  kind: AddressLimitKind = 'anonymous',
): void {
  const address = addresses?.addressOf(req.socket.remoteAddress, req.headersDistinct);
  if (address !== undefined) addresses?.take(kind, address, (name, value) => res.setHeader(name, value));
}

function answerProblem(context: Context, error: unknown, log: Log): ErrorCode {
  const { requestId, isLogged } = context.state;
  const problem = problemOf(error, requestId);
  const isUnexpected = !(error instanceof VisageError);
  if (isUnexpected && isLogged()) log.error({ requestId, err: error }, 'unexpected error');
  else if (!isUnexpected && error.cause !== undefined && isLogged())
    log.error({ requestId, err: error.cause }, 'why a call was refused');
  context.status = problem.status;
  context.set(problemHeaders(problem.code, error instanceof VisageError ? error.retryAfter : undefined));
  context.body = Buffer.from(JSON.stringify(problem));
  context.type = PROBLEM_TYPE;
  return problem.code;
}

/** Reading an invalid target's path throws, or makes Node print it. */
function checkTarget(context: Context, anonymousLimits: AnonymousLimits | undefined): void {
  const { url } = context.req;
  try {
    if (url && /^[/*]/.test(url)) void context.path;
    else new URL(url ?? '');
  } catch {
    limitByAddress(context, anonymousLimits?.addresses);
    throw new VisageError('VALIDATION_FAILED', 'The request target is not a URL.');
  }
}

function closeIfUnread(context: Context): void {
  if (!hasUnreadBody(context.req)) return;
  const body = Buffer.isBuffer(context.body) ? context.body : Buffer.from(JSON.stringify(context.body ?? ''));
  context.respond = false;
  context.res.statusCode = context.status;
  answerAndClose(context.req, context.res, body);
}

const CLIENT_GONE_STATUS = 499;

function recordOf(
  { method, res, status, state }: Context,
  began: number,
  code: ErrorCode | null,
): RequestRecord {
  const { requestId, route, operation, trail, streamsSince = performance.now() } = state;
  const { accountId = null, key = null, member = null } = trail?.caller ?? {};
  return {
    requestId,
    method,
    route,
    operation,
    status: res.headersSent ? status : CLIENT_GONE_STATUS,
    ms: streamsSince - began,
    code,
    aborted: !res.writableFinished,
    account: accountId,
    key: key?.id ?? null,
    member: member?.id ?? null,
  };
}

function lineBudget(
  context: Context,
  anonymousLimits: AnonymousLimits | undefined,
  origin: string,
): () => boolean {
  let isLogged: boolean | null = null;
  return () => {
    if (!anonymousLimits || context.state.trail?.caller) return true;
    isLogged ??= anonymousLimits.lines.allows(origin);
    return isLogged;
  };
}

export function createKoaApp(log: Log, observer?: RequestObserver, anonymousLimits?: AnonymousLimits): App {
  const app: App = new Koa<RequestState>();
  const pace = new RefusalPace();
  // Koa's handler would print connection errors to the console.
  app.on('error', (error: unknown, context?: Context) =>
    log.debug({ requestId: context?.state.requestId, err: error }, 'connection error'),
  );

  app.use(async (context, next) => {
    const began = performance.now();
    const requestId = requestIdOf(context.req.headers['x-request-id']);
    const { req } = context;
    const origin = originOf(
      anonymousLimits?.addresses.addressOf(req.socket.remoteAddress, req.headersDistinct) ?? '',
    );
    const isLogged = lineBudget(context, anonymousLimits, origin);
    context.state = { requestId, route: null, operation: null, trail: null, isLogged };
    for (const [name, value] of HEADERS) context.res.setHeader(name, value);
    context.res.setHeader(REQUEST_ID_HEADER, requestId);
    let code: ErrorCode | null = null;
    observer?.requestBegan();
    context.res.once('close', () => {
      const record = recordOf(context, began, code);
      observer?.requestEnded(record);
      if (isLogged()) logRequest(log, record);
    });
    try {
      checkTarget(context, anonymousLimits);
      await next();
    } catch (error) {
      if (error instanceof ClientGoneError) {
        context.respond = false;
        context.res.destroy();
        return;
      }
      code = answerProblem(context, error, log);
      if (origin !== '' && code === 'RATE_LIMIT_EXCEEDED') await pace.next(origin);
    }
    closeIfUnread(context);
  });
  return app;
}
