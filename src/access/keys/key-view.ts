import { type FromSchema, object, type Properties, type Schema, titled } from '../../api/schema.ts';
import type { Scope } from '../../api/scopes.ts';
import { dollarsOf } from '../../store/credits.ts';
import type { ApiKeyRecord } from '../../store/records.ts';
import { KEY_SETTINGS } from './key-settings.ts';

const TIME = {
  type: 'string',
  description: 'UTC, ISO 8601.',
  examples: ['2026-01-15T10:30:00.000Z'],
} as const satisfies Schema;

export const KEY_ID = {
  type: 'string',
  pattern: '^key_[0-9A-HJKMNP-TV-Z]{26}$',
  description: 'Id of the API key, not its value.',
  examples: ['key_01KF2M7Q8TC5V9XW3E6YB4NZRD'],
} as const satisfies Schema;

const { expires_in_days: _, allowed_ips, ...shown } = KEY_SETTINGS;

const VIEW = {
  id: KEY_ID,
  ...shown,
  key_prefix: {
    type: 'string',
    description: 'The first characters of the key; Visage does not store the others.',
    examples: ['fr_live_4c0f'],
  },
  environment: { type: 'string', enum: ['live', 'test'], examples: ['live'] },
  allowed_ips: { ...allowed_ips, type: 'array' },
  spent_usd: { type: 'number', description: 'Charged since the last reset.', examples: [12.34] },
  suspended: {
    type: 'boolean',
    description:
      'Whether the member of the key was removed. Requests with the key are answered `INVALID_API_KEY` until an admin ' +
      'gives it to another member with `member_id`.',
    examples: [false],
  },
  member_id: {
    type: ['string', 'null'],
    description: 'The member who owns the key; null if the operator created it.',
  },
  account_id: { type: 'string' },
  created_at: TIME,
  expires_at: { ...TIME, type: ['string', 'null'] },
  last_used_at: {
    ...TIME,
    type: ['string', 'null'],
    description: 'Time of the last request, updated every few seconds; null for never.',
  },
} as const satisfies Properties;

export const KEY_VIEW = titled('ApiKey', object(VIEW));

export type ApiKeyView = FromSchema<typeof KEY_VIEW>;

export const NEW_KEY_VIEW = titled(
  'NewApiKey',
  object({
    ...VIEW,
    key: {
      type: 'string',
      pattern: '^fr_(live|test)_[0-9a-f]{32}$',
      description: 'The key itself, shown only in this answer.',
      examples: ['fr_live_4c0f0b9d8e7a6f5c4b3a29181716151f'],
    },
  }),
);

/** Has the secret; no later answer does. */
export type NewApiKeyView = FromSchema<typeof NEW_KEY_VIEW>;

function isoTime(time: number): string {
  return new Date(time).toISOString();
}

interface KeyState {
  readonly spent: number;
  readonly lastUsed: number | null;
  readonly suspended: boolean;
}

export function viewOf(record: ApiKeyRecord, { spent, lastUsed, suspended }: KeyState): ApiKeyView {
  return {
    id: record.id,
    name: record.name,
    key_prefix: record.prefix,
    environment: record.environment,
    collection_id: record.collectionId,
    scopes: record.scopes as readonly Scope[],
    rate_limit: record.rateLimit,
    allowed_ips: record.allowedIps,
    allowed_face_ids: record.allowedExternalKeys,
    allowed_llm_models: record.allowedModels,
    budget_usd: record.budget === null ? null : dollarsOf(record.budget),
    spent_usd: dollarsOf(spent),
    frozen: record.frozen,
    suspended,
    member_id: record.memberId,
    account_id: record.accountId,
    created_at: isoTime(record.createdAt),
    expires_at: record.expiresAt === null ? null : isoTime(record.expiresAt),
    last_used_at: lastUsed === null ? null : isoTime(lastUsed),
  };
}
