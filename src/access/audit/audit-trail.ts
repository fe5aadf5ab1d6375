import type { AuditActor, Caller } from '../../api/caller.ts';
import type { Route, RouteRequest, RouteResponse } from '../../api/route.ts';
import { VisageError } from '../../errors.ts';
import type { Audit, AuditEntry } from './audit.ts';

export interface Trail {
  readonly requestId: string;
  address: string | null;
  caller: Caller | null;
}

const REFUSALS: ReadonlySet<number> = new Set([401, 402, 403, 429]);

const ANONYMOUS: AuditActor = { kind: 'anonymous', id: null };

function actorOf(caller: Caller | null): AuditActor {
  if (caller?.key) return { kind: 'key', id: caller.key.id };
  if (caller?.member) return { kind: 'member', id: caller.member.id };
  return ANONYMOUS;
}

function contextOf({ requestId, address, caller }: Trail) {
  return {
    requestId,
    address,
    actor: actorOf(caller),
    accountId: caller?.accountId ?? null,
    environment: caller?.environment ?? null,
    collectionId: caller?.collectionId ?? null,
  };
}

function parameterOf({ params, query, body }: RouteRequest, name: string): string | undefined {
  const value = params[name] ?? query[name] ?? body[name];
  return typeof value === 'string' ? value : undefined;
}

function targetOf(route: Route, request: RouteRequest): Pick<AuditEntry, 'target' | 'externalKey'> {
  for (const name of [route.audit?.target ?? []].flat()) {
    const value = parameterOf(request, name);
    if (value !== undefined) return name === 'externalKey' ? { externalKey: value } : { target: value };
  }
  return {};
}

export function recordRefusal(
  audit: Pick<Audit, 'refuse'>,
  route: Route,
  trail: Trail,
  error: unknown,
): void {
  if (!(error instanceof VisageError) || !REFUSALS.has(error.status)) return;
  audit.refuse({ ...contextOf(trail), action: route.audit?.action ?? route.operationId, result: error.code });
}

function targetsOf(
  route: Route,
  request: RouteRequest,
  { audit }: RouteResponse,
): Pick<AuditEntry, 'target' | 'externalKey'>[] {
  const each = audit?.each;
  if (!each) return [targetOf(route, request)];
  if ('targets' in each) return each.targets.map((target) => ({ target }));
  return each.externalKeys.map((externalKey) => ({ externalKey }));
}

export async function recordAct(
  audit: Pick<Audit, 'record'>,
  route: Route,
  trail: Trail,
  request: RouteRequest,
  response: RouteResponse,
): Promise<void> {
  if (!route.audit) return;
  const context = contextOf(trail);
  const { action } = route.audit;
  const { each: _, ...more } = response.audit ?? {};
  const entries = targetsOf(route, request, response).map((target) => ({
    ...context,
    action,
    ...target,
    collectionId: parameterOf(request, 'collectionId') ?? context.collectionId,
    ...more,
  }));
  await audit.record(...entries);
}
