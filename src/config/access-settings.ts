/** Settings of who may do how much: plans, prices, limits, proxies. */
import { ConfigError } from './config-error.ts';
import { type Network, parseNetwork } from './networks.ts';

/** What a plan allows. */
export interface Plan {
  readonly name: string;
  readonly keysPerMember: number;
  /** Requests a minute: the most that a key may ask for, and what it has where it asks for nothing. */
  readonly maxRateLimit: number;
}

export interface AccessConfig {
  /** Peers whose `X-Forwarded-For` counts. */
  readonly trustedProxies: readonly Network[];
  /** The plan of every account of this appliance. */
  readonly plan: Plan;
  /** Micro-dollars by operation (the route's `operationId`); what is not named is free. */
  readonly prices: Readonly<Record<string, number>>;
  /** Whether accounts pay from a balance that is topped up. */
  readonly isPrepaid: boolean;
  /** Requests a minute without a credential, or with a wrong one, from one address. */
  readonly addressRateLimit: number;
}

/** The settings of access as they are at the moment: who holds this sees each change. */
export class PresentAccess implements AccessConfig {
  #present: AccessConfig;

  constructor(present: AccessConfig) {
    this.#present = present;
  }

  replace(next: AccessConfig): void {
    this.#present = next;
  }

  get trustedProxies() {
    return this.#present.trustedProxies;
  }

  get plan() {
    return this.#present.plan;
  }

  get prices() {
    return this.#present.prices;
  }

  get isPrepaid() {
    return this.#present.isPrepaid;
  }

  get addressRateLimit() {
    return this.#present.addressRateLimit;
  }
}

const COUNT = { type: 'integer', minimum: 1, maximum: 1_000_000 };

/** Properties of the settings' schema. */
export const ACCESS_SETTINGS = {
  trusted_proxies: {
    type: 'array',
    items: { type: 'string', format: 'network' },
    description: 'a list of IP addresses and networks, such as ["10.0.0.0/8", "::1"]',
  },
  plan: {
    type: 'string',
    minLength: 1,
    description: 'the name of a plan: free, startup, enterprise or one of [plans]',
  },
  plans: {
    type: 'object',
    additionalProperties: {
      type: 'object',
      additionalProperties: false,
      required: ['keys_per_member', 'max_rate_limit'],
      properties: { keys_per_member: COUNT, max_rate_limit: COUNT },
    },
    description:
      'a table of plans, each with keys_per_member and max_rate_limit as whole numbers from 1 to 1000000',
  },
  prices: {
    type: 'object',
    additionalProperties: { type: 'number', minimum: 0, maximum: 1_000_000 },
    description: 'a table of dollars by operation, such as searchFace = 0.001',
  },
  account_balance: {
    type: 'string',
    enum: ['unlimited', 'prepaid'],
    description: 'unlimited or prepaid',
  },
  address_rate_limit: {
    type: 'integer',
    minimum: 1,
    maximum: 1_000_000,
    description: 'a whole number from 1 to 1000000',
  },
} as const;

/** What the schema makes sure of. */
export interface AccessValues {
  readonly trusted_proxies: readonly string[];
  readonly plan: string;
  readonly plans: Readonly<Record<string, { keys_per_member: number; max_rate_limit: number }>>;
  readonly prices: Readonly<Record<string, number>>;
  readonly account_balance: 'unlimited' | 'prepaid';
  readonly address_rate_limit: number;
}

export const ACCESS_DEFAULTS: AccessValues = {
  trusted_proxies: [],
  plan: 'enterprise',
  plans: {},
  prices: {},
  account_balance: 'unlimited',
  address_rate_limit: 1200,
};

const PLANS: AccessValues['plans'] = {
  free: { keys_per_member: 1, max_rate_limit: 20 },
  startup: { keys_per_member: 5, max_rate_limit: 100 },
  enterprise: { keys_per_member: 20, max_rate_limit: 500 },
};

/** @throws ConfigError for a plan that there is not. */
export function accessConfigOf(values: AccessValues): AccessConfig {
  const plans = { ...PLANS, ...values.plans };
  const plan = Object.hasOwn(plans, values.plan) ? plans[values.plan] : undefined;
  if (!plan) {
    const known = Object.keys(plans).join(', ');
    throw new ConfigError(`Setting "plan" is "${values.plan}", but it must be one of ${known}.`);
  }
  return {
    trustedProxies: values.trusted_proxies.map((text) => parseNetwork(text) as Network),
    plan: { name: values.plan, keysPerMember: plan.keys_per_member, maxRateLimit: plan.max_rate_limit },
    prices: Object.fromEntries(
      Object.entries(values.prices).map(([operation, dollars]) => [operation, Math.round(dollars * 1e6)]),
    ),
    isPrepaid: values.account_balance === 'prepaid',
    addressRateLimit: values.address_rate_limit,
  };
}

/** @throws ConfigError for a price of an operation that there is not. */
export function checkPrices({ prices }: AccessConfig, operations: readonly string[]): void {
  for (const operation of Object.keys(prices)) {
    if (!operations.includes(operation)) {
      throw new ConfigError(
        `Setting "prices" names "${operation}", but the operations are ${operations.join(', ')}.`,
      );
    }
  }
}
