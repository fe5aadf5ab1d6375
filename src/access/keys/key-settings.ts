import { type FromSchema, object, type Properties, type Schema } from '../../api/schema.ts';
import { SCOPES } from '../../api/scopes.ts';
import { compile } from '../../api/validation.ts';
import { parseNetwork } from '../../base/ip-networks.ts';
import type { Plan } from '../../config/config.ts';
import { VisageError } from '../../errors.ts';
import { microsOf } from '../../store/credits.ts';
import type { ApiKeySettings } from '../../store/records.ts';

const DAY_MS = 86_400_000;

export const KEY_SETTINGS = {
  name: {
    type: 'string',
    minLength: 1,
    maxLength: 255,
    description: 'A label to recognize the key by.',
    examples: ['production'],
  },
  collection_id: {
    type: ['string', 'null'],
    minLength: 1,
    maxLength: 255,
    pattern: '^[A-Za-z0-9_.-]+$',
    description: 'Restrict the key to this collection; null for every collection of the account.',
    examples: ['my-collection'],
  },
  rate_limit: {
    type: ['integer', 'null'],
    minimum: 1,
    maximum: 1_000_000,
    description: "Requests per minute, up to the plan's limit; null for the plan's limit.",
    examples: [20],
  },
  allowed_ips: {
    type: ['array', 'null'],
    maxItems: 100,
    items: { type: 'string', minLength: 1, maxLength: 64 },
    description: 'Restrict the key to these IP addresses or CIDR ranges; empty or null for any address.',
    examples: [['203.0.113.0/24', '192.0.2.5']],
  },
  budget_usd: {
    type: ['number', 'null'],
    minimum: 0,
    maximum: 1_000_000_000,
    description: 'Maximum that the key may spend; null for no limit.',
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
    description:
      'Scopes of the key. The default `v1:*` grants all of them. On a key limited by collection, faces or models it ' +
      'grants only recognition, external keys and reading its own collections; name every other scope.',
    examples: [['v1:*']],
  },
  allowed_face_ids: {
    type: ['array', 'null'],
    maxItems: 1000,
    items: { type: 'string', minLength: 1, maxLength: 512, pattern: '^[\\x21-\\x7E]+$' },
    description: 'Restrict the key to the faces with these external keys; null for every face.',
    examples: [['alice', 'bob']],
  },
  allowed_llm_models: {
    type: ['array', 'null'],
    maxItems: 100,
    items: { type: 'string', minLength: 1, maxLength: 255 },
    description: 'Restrict the key to these recognition model packs; null for every pack.',
    examples: [['yunet']],
  },
  frozen: { type: 'boolean', description: 'Requests with a frozen key are answered 402.', examples: [false] },
} as const satisfies Properties;

const ENVIRONMENT = {
  type: 'string',
  enum: ['live', 'test'],
  default: 'live',
  description:
    'Live keys see only live collections and test keys only test collections. Test calls are never billed.',
  examples: ['live'],
} as const satisfies Schema;

export const NEW_KEY_BODY = object({ ...KEY_SETTINGS, environment: ENVIRONMENT }, { required: ['name'] });
export type NewKeyBody = FromSchema<typeof NEW_KEY_BODY>;

export const KEY_CHANGE_BODY = object(
  {
    ...KEY_SETTINGS,
    member_id: {
      type: 'string',
      pattern: '^mem_[0-9A-HJKMNP-TV-Z]{26}$',
      description:
        'Give the key to this active member of the account. Ends the suspension of a key whose member was removed. ' +
        'Admins and owners only.',
      examples: ['mem_01KF2M7Q8TC5V9XW3E6YB4NZRD'],
    },
    reset_spent: { type: 'boolean', description: 'Reset the amount spent to zero.', examples: [true] },
  },
  { required: [] },
);
export type KeyChangeBody = FromSchema<typeof KEY_CHANGE_BODY>;

type KeySettingsBody = Omit<KeyChangeBody, 'member_id' | 'reset_spent'>;

function invalid(path: string, message: string): VisageError {
  return new VisageError('VALIDATION_FAILED', `${path}: ${message}.`, [{ path, message }]);
}

/** @throws `VALIDATION_FAILED` for an invalid network, or a rate limit above the plan's. */
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

/** @throws `VALIDATION_FAILED`. */
export function newKeyBody(value: unknown): NewKeyBody {
  return validateNewKey(value);
}
