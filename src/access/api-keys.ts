import { hash, randomBytes } from 'node:crypto';
import { VisageError } from '../errors.ts';
import type { NewKeyValue } from '../store/api-keys.ts';
import { newIdentifier } from '../store/identifiers.ts';
import type { ApiKeyRecord, ApiKeySettings, Environment } from '../store/records.ts';
import type { Store } from '../store/store.ts';

const PATTERN = /^fr_(?:live|test)_[0-9a-f]{32}$/;
/** Characters of a key that may be shown: `fr_live_` and four digits, which leaves 112 random bits. */
const PREFIX_LENGTH = 12;

/** A new API key. This is the only time that the key itself is anywhere but with its owner. */
export interface NewApiKey extends ApiKeyRecord {
  readonly key: string;
}

/** What a key is made of; what is left out is without limit. */
export interface NewApiKeyRequest extends Partial<ApiKeySettings> {
  readonly accountId: string;
  /** Whose key it is; left out for the operator's. */
  readonly memberId?: string | null;
  readonly name: string;
  readonly environment: Environment;
}

const UNLIMITED: Omit<ApiKeySettings, 'name'> = {
  collectionId: null,
  scopes: ['v1:*'],
  rateLimit: null,
  allowedIps: [],
  allowedExternalKeys: null,
  allowedModels: null,
  budget: null,
  expiresAt: null,
  frozen: false,
};

/** Whether a text has the form of an API key. */
export function isApiKey(text: string): boolean {
  return PATTERN.test(text);
}

/** SHA-256 of a key, 64 hex digits: all that the store keeps of it. */
export function hashApiKey(key: string): string {
  return hash('sha256', key);
}

/** A key's value, with 128 random bits, and what the store keeps of it. */
export function newKeyValue(environment: Environment): NewKeyValue & { readonly key: string } {
  const key = `fr_${environment}_${randomBytes(16).toString('hex')}`;
  return { key, hash: hashApiKey(key), prefix: key.slice(0, PREFIX_LENGTH) };
}

/**
 * Makes a key. Resolves when it is on disk.
 * @param request checked by the schema of whoever asks. @param now milliseconds since 1970.
 * @param most keys that its member may have. @param confirm called inside the transaction; throws to change nothing.
 * @throws VisageError `ACCOUNT_NOT_FOUND`, `VALIDATION_FAILED`.
 */
export async function createApiKey(
  store: Store,
  request: NewApiKeyRequest,
  now: number = Date.now(),
  most?: number,
  confirm?: () => void,
): Promise<NewApiKey> {
  if (!store.accounts.get(request.accountId)) {
    throw new VisageError('ACCOUNT_NOT_FOUND', 'There is no such account.');
  }
  const { key, hash, prefix } = newKeyValue(request.environment);
  const record: ApiKeyRecord = {
    memberId: null,
    ...UNLIMITED,
    ...request,
    id: newIdentifier('key_', now),
    prefix,
    generation: 1,
    createdAt: now,
  };
  await store.apiKeys.add(hash, record, most, confirm);
  return { ...record, key };
}
