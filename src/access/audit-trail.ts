/** From a request to its entry in the audit log: the one place that decides what is recorded. */
import { VisageError } from '../errors.ts';
import type { PublicRequest, Route, RouteResponse } from '../http/route.ts';
import type { AuditActor } from '../store/audit-records.ts';
import type { Audit } from './audit.ts';
import type { Caller } from './caller.ts';

/** What becomes known of a request on its way in. The gate fills it in as soon as it knows. */
export interface Trail {
  readonly requestId: string;
  /** The client's address: at first that of the connection. */
  address: string | null;
  /** Also where the caller is then refused, as for an expired key. */
  caller: Caller | null;
}

/** Statuses that say that somebody may not do something. */
const REFUSALS: ReadonlySet<number> = new Set([401, 402, 403, 429]);

const ANONYMOUS: AuditActor = { kind: 'anonymous', id: null };

function actorOf(caller: Caller | null): AuditActor {
  if (caller?.key) return { kind: 'key', id: caller.key.id };
  if (caller?.member) return { kind: 'member', id: caller.member.id };
  return ANONYMOUS;
}

function contextOf({ requestId, address, caller }: Trail) {
  return { requestId, address, actor: actorOf(caller), accountId: caller?.accountId ?? null };
}

function targetOf(route: Route, { params, query, body }: PublicRequest): string | null {
  for (const name of [route.audit?.target ?? []].flat()) {
    const value = params[name] ?? query[name] ?? body[name];
    if (typeof value === 'string') return value;
  }
  return null;
}

/** Records that a request was refused, if that is what the error says. Returns at once. */
export function recordRefusal(
  audit: Pick<Audit, 'refuse'>,
  route: Route,
  trail: Trail,
  error: unknown,
): void {
  if (!(error instanceof VisageError) || !REFUSALS.has(error.status)) return;
  audit.refuse({ ...contextOf(trail), action: route.audit?.action ?? route.operationId, result: error.code });
}

/** Records what a request did, if its route is one whose acts are recorded. Resolves when that is on disk. */
export async function recordAct(
  audit: Pick<Audit, 'record'>,
  route: Route,
  trail: Trail,
  request: PublicRequest,
  response: RouteResponse,
): Promise<void> {
  if (!route.audit) return;
  const target = targetOf(route, request);
  await audit.record({ ...contextOf(trail), action: route.audit.action, target, ...response.audit });
}
