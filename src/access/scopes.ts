/**
 * What an API key may do. A key holds a list of scopes; a route asks for one of them. A scope is held if it is in the
 * list as it is written, or if the list has `v1:*`; nothing else matches, neither a prefix nor other letter case.
 */

export const SCOPES = [
  'v1:*',
  'v1:collections',
  'v1:faces',
  'v1:external-keys',
  'v1:api-keys',
  'v1:billing',
  'v1:audit',
] as const;

export type Scope = (typeof SCOPES)[number];

/** What a route may ask for. */
export type RouteScope = Exclude<Scope, 'v1:*'>;

/** Whether a list of scopes gives the one that is asked for. */
export function holdsScope(held: readonly string[], asked: Scope): boolean {
  return held.includes(asked) || held.includes('v1:*');
}
