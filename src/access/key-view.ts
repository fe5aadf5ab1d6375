/** API keys as answers show them: never the key itself. */
import type { Schema } from '../http/route.ts';
import { object } from '../http/schema.ts';
import type { ApiKeyRecord, Environment } from '../store/records.ts';
import { KEY_SETTINGS } from './key-settings.ts';
import { dollarsOf } from './money.ts';

/** An API key, in the contract's names. Times are UTC, ISO 8601. */
export interface ApiKeyView {
  readonly id: string;
  readonly name: string;
  /** The first characters of the key. */
  readonly key_prefix: string;
  readonly environment: Environment;
  /** Null for every collection of the account. */
  readonly collection_id: string | null;
  readonly scopes: readonly string[];
  /** Requests a minute; null for the plan's limit. */
  readonly rate_limit: number | null;
  readonly allowed_ips: readonly string[];
  readonly allowed_face_ids: readonly string[] | null;
  readonly allowed_llm_models: readonly string[] | null;
  readonly budget_usd: number | null;
  readonly spent_usd: number;
  readonly frozen: boolean;
  readonly member_id: string | null;
  readonly account_id: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
}

/** A key at the one time when it is shown. */
export interface NewApiKeyView extends ApiKeyView {
  readonly key: string;
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}

/** @param spent micro-dollars. @param lastUsed milliseconds since 1970. */
export function viewOf(record: ApiKeyRecord, spent: number, lastUsed: number | null): ApiKeyView {
  return {
    id: record.id,
    name: record.name,
    key_prefix: record.prefix,
    environment: record.environment,
    collection_id: record.collectionId,
    scopes: record.scopes,
    rate_limit: record.rateLimit,
    allowed_ips: record.allowedIps,
    allowed_face_ids: record.allowedExternalKeys,
    allowed_llm_models: record.allowedModels,
    budget_usd: record.budget === null ? null : dollarsOf(record.budget),
    spent_usd: dollarsOf(spent),
    frozen: record.frozen,
    member_id: record.memberId,
    account_id: record.accountId,
    created_at: isoTime(record.createdAt),
    expires_at: record.expiresAt === null ? null : isoTime(record.expiresAt),
    last_used_at: lastUsed === null ? null : isoTime(lastUsed),
  };
}

const TIME: Schema = {
  type: 'string',
  description: 'UTC, ISO 8601.',
  examples: ['2026-01-15T10:30:00.000Z'],
};

/** Path parameter and answer. */
export const KEY_ID: Schema = {
  type: 'string',
  pattern: '^key_[0-9A-HJKMNP-TV-Z]{26}$',
  description: 'The API key, not its value.',
  examples: ['key_01KF2M7Q8TC5V9XW3E6YB4NZRD'],
};

const { expires_in_days: _, allowed_ips, ...shown } = KEY_SETTINGS;

const VIEW = {
  id: KEY_ID,
  ...shown,
  key_prefix: {
    type: 'string',
    description: 'The first characters of the key; the others are not kept.',
    examples: ['fr_live_4c0f'],
  },
  environment: { type: 'string', enum: ['live', 'test'], examples: ['live'] },
  allowed_ips: { ...allowed_ips, type: 'array' },
  spent_usd: { type: 'number', description: 'Charged since the last reset.', examples: [12.34] },
  member_id: {
    type: ['string', 'null'],
    description: 'Whose key it is; null for one that the operator made.',
  },
  account_id: { type: 'string' },
  created_at: TIME,
  expires_at: { ...TIME, type: ['string', 'null'] },
  last_used_at: {
    ...TIME,
    type: ['string', 'null'],
    description: 'The last request, written every few seconds; null for never.',
  },
} satisfies Record<string, Schema>;

export const KEY_VIEW = object(VIEW);

export const NEW_KEY_VIEW = object({
  ...VIEW,
  key: {
    type: 'string',
    pattern: '^fr_(live|test)_[0-9a-f]{32}$',
    description: 'The key itself, shown this once.',
    examples: ['fr_live_4c0f0b9d8e7a6f5c4b3a29181716151f'],
  },
});
