import type { Caller } from '../api/caller.ts';
import { holdsScope, type Scope } from '../api/scopes.ts';
import { BoundedMap } from '../base/bounded-map.ts';
import { covered, type Network, parseNetwork } from '../base/ip-networks.ts';
import type { ApiKeyRecord, ApiKeySettings } from '../store/records.ts';

type Names = readonly string[] | null;

function namesWithin(inner: Names, outer: Names): boolean {
  if (outer === null || inner === null) return outer === null;
  // Arrays of a thousand names would take a million comparisons.
  const allowed = new Set(outer);
  return inner.every((name) => allowed.has(name));
}

function numberWithin(inner: number | null, outer: number | null): boolean {
  return outer === null || (inner !== null && inner <= outer);
}

const known = new BoundedMap<string, Network | null>(10_000);

function networkOf(text: string): Network | null {
  let network = known.get(text);
  if (network === undefined) {
    network = parseNetwork(text);
    known.set(text, network);
  }
  return network;
}

export function networksOf(texts: readonly string[]): Network[] {
  return texts.flatMap((text) => networkOf(text) ?? []);
}

function ipsWithin(inner: readonly string[], outer: readonly string[]): boolean {
  if (outer.length === 0) return true;
  const networks = networksOf(outer);
  return inner.length > 0 && networksOf(inner).every((network) => covered(network, networks));
}

export type Bounds = Pick<ApiKeySettings, 'collectionId' | 'allowedExternalKeys' | 'allowedModels'>;

export function isBounded({ collectionId, allowedExternalKeys, allowedModels }: Bounds): boolean {
  return collectionId !== null || allowedExternalKeys !== null || allowedModels !== null;
}

export function reachesWithin(inner: Bounds, outer: Bounds): boolean {
  return (
    (outer.collectionId === null || inner.collectionId === outer.collectionId) &&
    namesWithin(inner.allowedExternalKeys, outer.allowedExternalKeys) &&
    namesWithin(inner.allowedModels, outer.allowedModels)
  );
}

export function isWithinReach(caller: Caller, record: ApiKeyRecord): boolean {
  if (!caller.key) return true;
  return record.environment === caller.environment && reachesWithin(record, caller);
}

/** Default: the plan's limit for a member's key, none for an operator's. */
export function requestsAMinute({ rateLimit, memberId }: ApiKeyRecord, planLimit: number): number {
  return rateLimit ?? (memberId === null ? Number.POSITIVE_INFINITY : planLimit);
}

/** @param planLimit requests a minute. */
export function beyond(
  inner: ApiKeyRecord,
  outer: ApiKeyRecord,
  planLimit: number,
): (keyof ApiKeySettings)[] {
  const within: Partial<Record<keyof ApiKeySettings, boolean>> = {
    collectionId: outer.collectionId === null || inner.collectionId === outer.collectionId,
    allowedExternalKeys: namesWithin(inner.allowedExternalKeys, outer.allowedExternalKeys),
    allowedModels: namesWithin(inner.allowedModels, outer.allowedModels),
    scopes: inner.scopes.every((scope) => holdsScope(outer.scopes, scope as Scope, isBounded(outer))),
    allowedIps: ipsWithin(inner.allowedIps, outer.allowedIps),
    rateLimit: requestsAMinute(inner, planLimit) <= requestsAMinute(outer, planLimit),
    budget: numberWithin(inner.budget, outer.budget),
    expiresAt: numberWithin(inner.expiresAt, outer.expiresAt),
  };
  return (Object.keys(within) as (keyof ApiKeySettings)[]).filter((setting) => !within[setting]);
}
