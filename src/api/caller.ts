import type { Tenant } from '../native/pipeline.ts';
import type { Role } from './roles.ts';

/** `live` keys see only live collections, `test` keys only test collections. */
export type Environment = 'live' | 'test';

/** The tenant that owns data. No call crosses owners. */
export interface Owner {
  readonly accountId: string;
  readonly environment: Environment;
}

export interface Actor extends Owner {
  /** Runs in each transaction before the first write; throws to abort, for example after an API key's revocation. */
  readonly confirm?: () => void;
  /** External keys of the faces that the actor may change; null or absent: every face. */
  readonly allowedExternalKeys?: readonly string[] | null;
}

/** Who performed an audited act. */
export interface AuditActor {
  readonly kind: 'key' | 'member' | 'operator' | 'system' | 'anonymous';
  /** Id of the key or member; null for other kinds. */
  readonly id: string | null;
}

export interface CallingKey {
  readonly id: string;
  /** True if the request carried a token of the key. */
  readonly isToken: boolean;
  readonly scopes: readonly string[];
  /** Increases with each new secret, which ends calls of the old one. */
  readonly keyVersion: number;
}

export interface CallingMember {
  readonly id: string;
  readonly role: Role;
  readonly sessionId: string;
  /** When the password confirmation of a cookie session ends, milliseconds since 1970; null for a token. */
  readonly confirmedUntil: number | null;
}

/** The authenticated caller: a key or a member, never both. */
export interface Caller extends Actor {
  /** The only collection that the caller may use; null: every collection of the account. */
  readonly collectionId: string | null;
  /** External keys of the faces that the caller may see; null: every face. */
  readonly allowedExternalKeys: readonly string[] | null;
  /** Model packs that the caller may use; null: every pack. */
  readonly allowedModels: readonly string[] | null;
  readonly key: CallingKey | null;
  readonly member: CallingMember | null;
}

/** Returns the tenant whose shares a caller's work and memory use. */
export function tenantOf({ accountId, key, member }: Caller): Tenant {
  return { account: accountId, key: key?.id ?? member?.id ?? '' };
}
