import { hash, randomBytes } from 'node:crypto';
import type { Environment } from '../../api/caller.ts';
import { VisageError } from '../../errors.ts';
import type { NewKeyValue } from '../../store/api-keys.ts';
import { type ApiKeyRecord, type ApiKeySettings, newIdentifier } from '../../store/records.ts';
import type { Store } from '../../store/store.ts';

const PATTERN = /^fr_(?:live|test)_[0-9a-f]{32}$/;
/** `fr_live_` and 4 hex digits; 112 random bits stay secret. */
const PREFIX_LENGTH = 12;

export interface NewApiKey extends ApiKeyRecord {
  readonly key: string;
}

export interface NewApiKeyRequest extends Partial<ApiKeySettings> {
  readonly accountId: string;
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

export function isApiKey(text: string): boolean {
  return PATTERN.test(text);
}

/** SHA-256, 64 hex digits. */
export function hashApiKey(key: string): string {
  return hash('sha256', key);
}

export function newKeyValue(environment: Environment): NewKeyValue & { readonly key: string } {
  const key = `fr_${environment}_${randomBytes(16).toString('hex')}`;
  return { key, hash: hashApiKey(key), prefix: key.slice(0, PREFIX_LENGTH) };
}

/**
 * @param request must be valid.
 * @throws `ACCOUNT_NOT_FOUND`, `VALIDATION_FAILED`.
 */
export async function createApiKey(
  store: Store,
  request: NewApiKeyRequest,
  now: number = Date.now(),
  most?: number,
  confirm?: () => void,
): Promise<NewApiKey> {
  if (!store.accounts.get(request.accountId)) {
    throw new VisageError('ACCOUNT_NOT_FOUND', 'The account does not exist.');
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

/** True if the member has left or not accepted the invitation. */
export function isSuspended(
  { members }: Pick<Store, 'members'>,
  { accountId, memberId }: Pick<ApiKeyRecord, 'accountId' | 'memberId'>,
): boolean {
  return memberId !== null && !members.isActive(accountId, memberId);
}
