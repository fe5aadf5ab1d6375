import type { Tenant } from '../native/pipeline.ts';
import type { Role } from './roles.ts';

export type Environment = 'live' | 'test';

/** No call crosses owners. */
export interface Owner {
  readonly accountId: string;
  readonly environment: Environment;
}

export interface Actor extends Owner {
  /** Runs in each transaction before the first write; aborts it by throwing. */
  readonly confirm?: () => void;
  /** Null or absent: every face. */
  readonly allowedExternalKeys?: readonly string[] | null;
}

export interface AuditActor {
  readonly kind: 'key' | 'member' | 'operator' | 'system' | 'anonymous';
  readonly id: string | null;
}

export interface CallingKey {
  readonly id: string;
  readonly isToken: boolean;
  readonly scopes: readonly string[];
  /** Increases with each new secret, which ends calls of the old one. */
  readonly keyVersion: number;
}

export interface CallingMember {
  readonly id: string;
  readonly role: Role;
  readonly sessionId: string;
  /** End of a cookie session's confirmation; null for a token. */
  readonly confirmedUntil: number | null;
}

/** A key or a member, never both. */
export interface Caller extends Actor {
  /** Null: every collection. */
  readonly collectionId: string | null;
  /** Null: every face. */
  readonly allowedExternalKeys: readonly string[] | null;
  /** Null: every pack. */
  readonly allowedModels: readonly string[] | null;
  readonly key: CallingKey | null;
  readonly member: CallingMember | null;
}

/** A call uses this tenant's share of work and memory. */
export function tenantOf({ accountId, key, member }: Caller): Tenant {
  return { account: accountId, key: key?.id ?? member?.id ?? '' };
}
