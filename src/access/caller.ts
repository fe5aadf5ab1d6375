import type { Environment, Writer } from '../store/records.ts';
import type { Role } from './roles.ts';

/** The API key behind a call, be it sent itself or as a token. */
export interface CallingKey {
  readonly id: string;
  /** It was not sent itself: a token of it was. */
  readonly isToken: boolean;
  readonly scopes: readonly string[];
  /** Raised when the key gets a new value: calls of the old one are over then. */
  readonly generation: number;
}

/** The member behind a call. */
export interface CallingMember {
  readonly id: string;
  readonly role: Role;
  /** The log-in that the call belongs to. */
  readonly sessionId: string;
}

/** Who is calling, after authentication: a key or a member, never both. */
export interface Caller extends Writer {
  readonly accountId: string;
  /** Members act on live collections only. */
  readonly environment: Environment;
  /** The only collection that this caller may use; null for every collection of the account. */
  readonly collectionId: string | null;
  /** External keys of the only faces that this caller may see; null for every face. */
  readonly allowedExternalKeys: readonly string[] | null;
  /** The only model packs that this caller may use; null for every one. */
  readonly allowedModels: readonly string[] | null;
  readonly key: CallingKey | null;
  readonly member: CallingMember | null;
}
