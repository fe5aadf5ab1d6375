import { createHash, randomBytes } from 'node:crypto';
import { VisageError } from '../errors.ts';
import { newIdentifier } from '../store/identifiers.ts';
import type { Environment } from '../store/records.ts';
import type { Store } from '../store/store.ts';

const PATTERN = /^fr_(?:live|test)_[0-9a-f]{32}$/;
/** Characters of a key that may be shown: `fr_live_` and four digits, which leaves 112 random bits. */
const PREFIX_LENGTH = 12;

/** A new API key. This is the only time that the key itself is anywhere but with its owner. */
export interface NewApiKey {
  readonly id: string;
  readonly key: string;
  readonly prefix: string;
  readonly accountId: string;
  readonly name: string;
  readonly environment: Environment;
  readonly collectionId: string | null;
  readonly createdAt: number;
}

/** Whether a text has the form of an API key. */
export function isApiKey(text: string): boolean {
  return PATTERN.test(text);
}

/** SHA-256 of a key, 64 hex digits: all that the store keeps of it. */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/**
 * Makes a key with 128 random bits. Resolves when it is on disk.
 * @param request `collectionId` null: for every collection of the account. @param now milliseconds since 1970.
 * @throws VisageError `ACCOUNT_NOT_FOUND`, `VALIDATION_FAILED`.
 */
export async function createApiKey(
  store: Store,
  request: { accountId: string; name: string; environment: Environment; collectionId: string | null },
  now: number = Date.now(),
): Promise<NewApiKey> {
  const { accountId, name, environment, collectionId } = request;
  if (!store.accounts.get(accountId)) throw new VisageError('ACCOUNT_NOT_FOUND', 'There is no such account.');
  if (name.length < 1 || name.length > 255) {
    throw new VisageError('VALIDATION_FAILED', 'The name of an API key has 1 to 255 characters.');
  }
  if (collectionId !== null && !/^[A-Za-z0-9_.-]{1,255}$/.test(collectionId)) {
    throw new VisageError(
      'VALIDATION_FAILED',
      'A collection id has 1 to 255 of A-Z, a-z, 0-9, "_", "." and "-".',
    );
  }
  const key = `fr_${environment}_${randomBytes(16).toString('hex')}`;
  const id = newIdentifier('key_', now);
  const prefix = key.slice(0, PREFIX_LENGTH);
  const record = { id, accountId, name, prefix, environment, collectionId, createdAt: now };
  await store.apiKeys.add(hashApiKey(key), record);
  return { ...record, key };
}
