import type { AuditActor, Environment } from '../api/caller.ts';
import type { ErrorCode } from '../errors.ts';

/** One allowed or refused action, without images, templates and secrets. */
export interface NewAuditRecord {
  /** First occurrence, milliseconds since 1970. */
  readonly at: number;
  /** Null if unknown or if the action concerns the whole appliance. */
  readonly accountId: string | null;
  readonly actor: AuditActor;
  /** For example `api-key.create`; for a refusal, the operationId. */
  readonly action: string;
  /** An id, or an external key's pseudonym. */
  readonly target: string | null;
  readonly result: 'ok' | ErrorCode;
  /** Null for local commands. */
  readonly address: string | null;
  readonly requestId: string | null;
  /** How often a refusal repeated. */
  readonly count: number;
  /** Records of the first release lack it. */
  readonly environment?: Environment | null;
  /** The affected collection, or the key's only collection. Records of the first release lack it. */
  readonly collectionId?: string | null;
}

export interface StoredAuditRecord extends NewAuditRecord {
  readonly hash: string;
}

export interface AuditRecord extends StoredAuditRecord {
  readonly sequence: number;
}

export interface AuditMark {
  readonly sequence: number;
  readonly hash: string;
}

/** Number of gaps and the hash over them. */
export interface GapMark extends AuditMark {
  /** 1,024 sums of 16 bits, little-endian. */
  readonly sum: Buffer;
}
