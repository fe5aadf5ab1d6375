/** Whether one key's limits are within another's: what a key may give, and whether a call may still end as it began. */
import { covered, type Network, parseNetwork } from '../config/networks.ts';
import type { ApiKeyRecord, ApiKeySettings } from '../store/records.ts';
import { holdsScope, type Scope } from './scopes.ts';

type Names = readonly string[] | null;

function namesWithin(inner: Names, outer: Names): boolean {
  return outer === null || inner?.every((name) => outer.includes(name)) === true;
}

/** Null stands for no limit, so it is above every number. */
function numberWithin(inner: number | null, outer: number | null): boolean {
  return outer === null || (inner !== null && inner <= outer);
}

/** Networks that were read already: reading one takes some ten microseconds, and a key's come with each request. */
const known = new Map<string, Network | null>();
const MAX_KNOWN = 10_000;

function networkOf(text: string): Network | null {
  let network = known.get(text);
  if (network === undefined) {
    network = parseNetwork(text);
    if (known.size >= MAX_KNOWN) known.clear();
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

/** Whether what a caller was let in to see is all within what its key allows now. */
export function reachesWithin(
  inner: Pick<ApiKeySettings, 'collectionId' | 'allowedExternalKeys' | 'allowedModels'>,
  outer: Pick<ApiKeySettings, 'collectionId' | 'allowedExternalKeys' | 'allowedModels'>,
): boolean {
  return (
    (outer.collectionId === null || inner.collectionId === outer.collectionId) &&
    namesWithin(inner.allowedExternalKeys, outer.allowedExternalKeys) &&
    namesWithin(inner.allowedModels, outer.allowedModels)
  );
}

/**
 * Requests a minute that a key may make. Without a limit of its own a member's key has the plan's; the operator's keys
 * are not held to a plan, so they have none: infinity.
 */
export function requestsAMinute({ rateLimit, memberId }: ApiKeyRecord, planLimit: number): number {
  return rateLimit ?? (memberId === null ? Number.POSITIVE_INFINITY : planLimit);
}

/** The settings of `inner` that go beyond those of `outer`; the name and being frozen give nobody anything. */
export function beyond(
  inner: ApiKeyRecord,
  outer: ApiKeyRecord,
  planLimit: number,
): (keyof ApiKeySettings)[] {
  const within: Partial<Record<keyof ApiKeySettings, boolean>> = {
    collectionId: outer.collectionId === null || inner.collectionId === outer.collectionId,
    allowedExternalKeys: namesWithin(inner.allowedExternalKeys, outer.allowedExternalKeys),
    allowedModels: namesWithin(inner.allowedModels, outer.allowedModels),
    scopes: inner.scopes.every((scope) => holdsScope(outer.scopes, scope as Scope)),
    allowedIps: ipsWithin(inner.allowedIps, outer.allowedIps),
    rateLimit: requestsAMinute(inner, planLimit) <= requestsAMinute(outer, planLimit),
    budget: numberWithin(inner.budget, outer.budget),
    expiresAt: numberWithin(inner.expiresAt, outer.expiresAt),
  };
  return (Object.keys(within) as (keyof ApiKeySettings)[]).filter((setting) => !within[setting]);
}
