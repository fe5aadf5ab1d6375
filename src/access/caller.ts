import type { Environment } from '../store/records.ts';

/** Who is calling, after authentication. */
export interface Caller {
  readonly accountId: string;
  readonly keyId: string;
  readonly environment: Environment;
  /** The only collection that this caller may use; null for every collection of the account. */
  readonly collectionId: string | null;
}
