import type { AuditActor, Environment } from '../api/caller.ts';
import type { ErrorCode } from '../errors.ts';

/** Never holds images, templates or secrets. */
export interface NewAuditRecord {
  readonly at: number;
  /** Null if unknown or appliance-wide. */
  readonly accountId: string | null;
  readonly actor: AuditActor;
  readonly action: string;
  /** An id, or an external key's pseudonym. */
  readonly target: string | null;
  readonly result: 'ok' | ErrorCode;
  readonly address: string | null;
  readonly requestId: string | null;
  readonly count: number;
  readonly environment?: Environment | null;
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

export interface GapMark extends AuditMark {
  /** 1,024 sums of 16 bits, little-endian. */
  readonly sum: Buffer;
}
