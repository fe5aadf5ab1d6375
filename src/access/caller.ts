/** `live` keys see only live collections, `test` keys only test collections. */
export type Environment = 'live' | 'test';

/** Who is calling, after authentication. */
export interface Caller {
  readonly accountId: string;
  readonly keyId: string;
  readonly environment: Environment;
  /** The only collection that this caller may use; null for every collection of the account. */
  readonly collectionId: string | null;
}
