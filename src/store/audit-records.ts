import type { ErrorCode } from '../errors.ts';

/** Who did something: an API key, a member, the operator on the machine, the service itself, or nobody known. */
export interface AuditActor {
  readonly kind: 'key' | 'member' | 'operator' | 'system' | 'anonymous';
  /** Id of the key or the member; null for the others. */
  readonly id: string | null;
}

/** One thing that was done or refused. Never holds a picture, a vector or a secret. */
export interface NewAuditRecord {
  /** Milliseconds since 1970; of the first where several are counted together. */
  readonly at: number;
  /** Whose affair it is; null where that is not known or the whole appliance is meant. */
  readonly accountId: string | null;
  readonly actor: AuditActor;
  /** What, such as `api-key.create`; for a refusal the operation that was asked for. */
  readonly action: string;
  /** To what, such as an id; null where nothing is named. */
  readonly target: string | null;
  readonly result: 'ok' | ErrorCode;
  /** IP address of the client; null for what happened on the machine itself. */
  readonly address: string | null;
  readonly requestId: string | null;
  /** How often: more than 1 where the same refusal was repeated. */
  readonly count: number;
}

/** An entry as it is kept: with its hash, 64 hex digits. */
export interface StoredAuditRecord extends NewAuditRecord {
  readonly hash: string;
}

/** An entry with its place in the chain: 1, 2, 3 ... */
export interface AuditRecord extends StoredAuditRecord {
  readonly sequence: number;
}

/** A place in the chain. */
export interface AuditMark {
  readonly sequence: number;
  readonly hash: string;
}
