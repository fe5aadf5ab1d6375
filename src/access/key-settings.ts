/** What an API key may be given, as requests write it. */

import type { Plan } from '../config/access-settings.ts';
import { parseNetwork } from '../config/networks.ts';
import { VisageError } from '../errors.ts';
import type { Schema } from '../http/route.ts';
import { object } from '../http/schema.ts';
import { compile } from '../http/validation.ts';
import type { ApiKeySettings, Environment } from '../store/records.ts';
import { microsOf } from './money.ts';
import { SCOPES } from './scopes.ts';

const DAY_MS = 86_400_000;

/** Schema of each setting; `null` stands for no limit. */
export const KEY_SETTINGS = {
  name: {
    type: 'string',
    minLength: 1,
    maxLength: 255,
    description: 'A label for people.',
    examples: ['production'],
  },
  collection_id: {
    type: ['string', 'null'],
    minLength: 1,
    maxLength: 255,
    pattern: '^[A-Za-z0-9_.-]+$',
    description: 'The only collection that the key may use; null for every collection of the account.',
    examples: ['my-collection'],
  },
  rate_limit: {
    type: ['integer', 'null'],
    minimum: 1,
    maximum: 1_000_000,
    description: "Requests a minute, at most the plan's; null for the plan's.",
    examples: [20],
  },
  allowed_ips: {
    type: ['array', 'null'],
    maxItems: 100,
    items: { type: 'string', minLength: 1, maxLength: 64 },
    description:
      'Addresses and networks (CIDR) from which the key may be used; empty or null for everywhere.',
    examples: [['203.0.113.0/24', '192.0.2.5']],
  },
  budget_usd: {
    type: ['number', 'null'],
    minimum: 0,
    maximum: 1_000_000_000,
    description: 'Most that the key may spend; null for no limit.',
    examples: [50],
  },
  expires_in_days: {
    type: ['integer', 'null'],
    minimum: 1,
    maximum: 36_500,
    description: 'Days from now until the key expires; null for never.',
    examples: [90],
  },
  scopes: {
    type: ['array', 'null'],
    minItems: 1,
    maxItems: SCOPES.length,
    uniqueItems: true,
    items: { enum: SCOPES },
    description: 'What the key may do; `v1:*`, the default, is everything.',
    examples: [['v1:*']],
  },
  allowed_face_ids: {
    type: ['array', 'null'],
    maxItems: 1000,
    items: { type: 'string', minLength: 1, maxLength: 512, pattern: '^[\\x21-\\x7E]+$' },
    description: 'External keys of the only faces that the key may see and change; null for every face.',
    examples: [['alice', 'bob']],
  },
  allowed_llm_models: {
    type: ['array', 'null'],
    maxItems: 100,
    items: { type: 'string', minLength: 1, maxLength: 255 },
    description: 'The only recognition model packs that the key may use; null for every one.',
    examples: [['faceplugin']],
  },
  frozen: { type: 'boolean', description: 'A frozen key is answered 402.', examples: [false] },
} as const satisfies Record<string, Schema>;

const ENVIRONMENT: Schema = {
  type: 'string',
  enum: ['live', 'test'],
  default: 'live',
  description:
    'Live keys see live collections only, test keys test collections only, and test calls are never billed.',
  examples: ['live'],
};

const settings = Object.keys(KEY_SETTINGS);

/** Body of a request for a new key. */
export const NEW_KEY_BODY = object(
  { ...KEY_SETTINGS, environment: ENVIRONMENT },
  { optional: [...settings.filter((name) => name !== 'name'), 'environment'] },
);

/** Body of a request to change a key. */
export const KEY_CHANGE_BODY = object(
  {
    ...KEY_SETTINGS,
    reset_spent: { type: 'boolean', description: 'Whether to set what was spent to zero.', examples: [true] },
  },
  { optional: [...settings, 'reset_spent'] },
);

/** A request's settings, as the schemas allow them. */
export interface KeySettingsBody {
  readonly name?: string;
  readonly collection_id?: string | null;
  readonly rate_limit?: number | null;
  readonly allowed_ips?: readonly string[] | null;
  readonly budget_usd?: number | null;
  readonly expires_in_days?: number | null;
  readonly scopes?: readonly string[] | null;
  readonly allowed_face_ids?: readonly string[] | null;
  readonly allowed_llm_models?: readonly string[] | null;
  readonly frozen?: boolean;
}

/** A request for a new key. */
export interface NewKeyBody extends KeySettingsBody {
  readonly name: string;
  readonly environment: Environment;
}

function invalid(path: string, message: string): VisageError {
  return new VisageError('VALIDATION_FAILED', `${path}: ${message}.`, [{ path, message }]);
}

/**
 * The settings that a request names, in the store's terms.
 * @param now milliseconds since 1970.
 * @throws VisageError `VALIDATION_FAILED` for what is no network and for more than the plan allows.
 */
export function settingsOf(body: KeySettingsBody, plan: Plan, now: number): Partial<ApiKeySettings> {
  (body.allowed_ips ?? []).forEach((text, at) => {
    if (!parseNetwork(text))
      throw invalid(`/allowed_ips/${at}`, 'must be an IP address or a network in CIDR notation');
  });
  if ((body.rate_limit ?? 0) > plan.maxRateLimit) {
    throw invalid('/rate_limit', `must be at most ${plan.maxRateLimit}, the limit of the plan ${plan.name}`);
  }
  const { name, collection_id, rate_limit, allowed_ips, budget_usd, expires_in_days, scopes, frozen } = body;
  const { allowed_face_ids, allowed_llm_models } = body;
  return {
    ...(name === undefined ? {} : { name }),
    ...(collection_id === undefined ? {} : { collectionId: collection_id }),
    ...(rate_limit === undefined ? {} : { rateLimit: rate_limit }),
    ...(allowed_ips === undefined ? {} : { allowedIps: allowed_ips ?? [] }),
    ...(budget_usd === undefined ? {} : { budget: budget_usd === null ? null : microsOf(budget_usd) }),
    ...(expires_in_days === undefined
      ? {}
      : { expiresAt: expires_in_days === null ? null : now + expires_in_days * DAY_MS }),
    ...(scopes === undefined ? {} : { scopes: scopes ?? ['v1:*'] }),
    ...(allowed_face_ids === undefined ? {} : { allowedExternalKeys: allowed_face_ids }),
    ...(allowed_llm_models === undefined ? {} : { allowedModels: allowed_llm_models }),
    ...(frozen === undefined ? {} : { frozen }),
  };
}

const validateNewKey = compile(NEW_KEY_BODY, 'typed');

/** Checks a request for a new key that did not come over the public API. @throws VisageError `VALIDATION_FAILED`. */
export function newKeyBody(value: unknown): NewKeyBody {
  return validateNewKey(value) as unknown as NewKeyBody;
}
