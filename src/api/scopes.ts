/** A key holds a scope by name, or through `v1:*`. */

export const SCOPES = [
  'v1:*',
  'v1:collections',
  'v1:faces',
  'v1:external-keys',
  'v1:events',
  'v1:api-keys',
  'v1:billing',
  'v1:audit',
] as const;

export type Scope = (typeof SCOPES)[number];

export const SCOPE_DESCRIPTIONS: Readonly<Record<Scope, string>> = {
  'v1:*':
    'Everything below; on a key limited by collection, faces or models only recognition and external keys.',
  'v1:collections': 'Create, list, change, reset and delete collections.',
  'v1:faces': 'Search, identify, verify, enroll, list and delete faces.',
  'v1:external-keys': 'Set, read and delete the external keys of faces.',
  'v1:events': 'List events of recognition, and receive them as they happen.',
  'v1:api-keys': 'List, change, regenerate and revoke API keys.',
  'v1:billing': 'Read the balance and the usage.',
  'v1:audit': 'Read the audit log.',
};

export type RouteScope = Exclude<Scope, 'v1:*'>;

/** A bounded key must name the other scopes, which manage the account. */
const RECOGNITION: ReadonlySet<Scope> = new Set(['v1:faces', 'v1:external-keys']);

/** @param isBounded limited in collection, faces or models. */
export function holdsScope(held: readonly string[], asked: Scope, isBounded: boolean): boolean {
  return held.includes(asked) || (held.includes('v1:*') && (!isBounded || RECOGNITION.has(asked)));
}
