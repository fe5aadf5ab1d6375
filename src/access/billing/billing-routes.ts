import type { Caller } from '../../api/caller.ts';
import { decodeCursor, encodeCursor, NEXT_CURSOR, PAGING } from '../../api/paging.ts';
import { type Route, route } from '../../api/route.ts';
import { object, type Schema, titled } from '../../api/schema.ts';
import { type Durations, meanOf, percentileOf } from '../../base/durations.ts';
import { mapInTurns } from '../../base/turns.ts';
import type { AccessConfig } from '../../config/config.ts';
import { VisageError } from '../../errors.ts';
import { dollarsOf, microsOf, type Usage, type UsagePlace } from '../../store/credits.ts';
import type { Store } from '../../store/store.ts';
import { isBounded, isWithinReach } from '../key-limits.ts';
import { dayOf, HOURS_KEPT_DAYS, type UsageLog } from './usage-log.ts';

export interface BillingParts {
  readonly store: Store;
  readonly usage: UsageLog;
  readonly access: Pick<AccessConfig, 'isPrepaid' | 'prices'>;
  readonly now: () => number;
}

const COMMON = { tags: ['Billing'] } as const;
const ACCESS = { by: 'member-or-key', role: 'admin', scope: 'v1:billing' } as const;

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
/** Limits a call to a few milliseconds. */
const MAX_SCAN = 1_000;

const BALANCE = titled(
  'Balance',
  object({
    balance_usd: {
      type: 'number',
      description:
        'Prepaid credit left, in dollars. Calls are charged to it unless the account is unlimited.',
      examples: [25.5],
    },
    unlimited: {
      type: 'boolean',
      description: 'Whether calls continue without credit.',
      examples: [false],
    },
    has_prices: {
      type: 'boolean',
      description: 'Whether the settings name a price for any operation; without one every call is free.',
      examples: [true],
    },
  }),
);

const MILLISECONDS = { type: ['number', 'null'], minimum: 0, examples: [24.8] } as const satisfies Schema;
const LATENCY = {
  anyOf: [object({ mean: MILLISECONDS, p95: MILLISECONDS }), { type: 'null' }],
  description:
    'Milliseconds of the successful calls, without the time in which the body arrives; `p95` is at most a tenth off. Null without calls, and for days of version 0.1.',
} as const;

const DAY = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\d$',
  examples: ['2026-01-15'],
} as const satisfies Schema;

const CURSORS = {
  day: /^\d{4}-\d\d-\d\d (?:key_[0-9A-Z]{26}) [A-Za-z]{1,64}$/,
  hour: /^\d{4}-\d\d-\d\dT\d\d (?:key_[0-9A-Z]{26}) [A-Za-z]{1,64}$/,
} as const;
type Granularity = keyof typeof CURSORS;

/** Test keys cannot read the live balance. */
function balanceFor(store: Store, caller: Caller): number {
  if (isBounded(caller)) {
    throw new VisageError(
      'PERMISSION_DENIED',
      'The balance belongs to the whole account; this API key is limited by collection, faces or models.',
    );
  }
  return caller.environment === 'test' ? 0 : store.credits.balance(caller.accountId);
}

function balanceRoutes({ store, access }: BillingParts): Route[] {
  const body = (micros: number, { environment }: Caller) => {
    return {
      balance_usd: dollarsOf(micros),
      unlimited: environment === 'test' || !access.isPrepaid,
      has_prices: Object.values(access.prices).some((price) => price > 0),
    };
  };
  return [
    route({
      ...COMMON,
      method: 'GET',
      path: '/v1/billing/balance',
      operationId: 'getBalance',
      summary: "Get the account's balance",
      description:
        'Test keys get 0 and `unlimited`, because their calls are never billed. An API key limited by ' +
        'collection, faces or models is answered `PERMISSION_DENIED`.',
      access: ACCESS,
      responses: { 200: { description: 'The balance.', schema: BALANCE } },
      errors: [],
      handler: ({ caller }) => ({ status: 200, body: body(balanceFor(store, caller), caller) }),
    }),
    route({
      ...COMMON,
      method: 'POST',
      path: '/v1/billing/top-up',
      operationId: 'topUp',
      confirmed: true,
      summary: "Top up the account's balance",
      access: { by: 'member', role: 'owner' },
      body: object({
        amount_usd: {
          type: 'number',
          minimum: 0.000001,
          maximum: 1_000_000,
          description: 'Dollars, rounded to six decimals.',
          examples: [10],
        },
      }),
      responses: { 200: { description: 'The new balance.', schema: BALANCE } },
      audit: { action: 'billing.top-up' },
      errors: ['STORAGE_READ_ONLY'],
      handler: async ({ caller, body: { amount_usd } }) => {
        const amount = microsOf(amount_usd);
        const balance = await store.credits.topUp(caller.accountId, amount, caller.confirm);
        return { status: 200, body: body(balance, caller) };
      },
    }),
  ];
}

function placeOf(accountId: string, cursor: string | undefined, granularity: Granularity): UsagePlace | null {
  const last = decodeCursor(cursor, CURSORS[granularity]);
  if (last === null) return null;
  const [time = '', keyId = '', operation = ''] = last.split(' ');
  const [day = '', hour] = time.split('T');
  return { accountId, day, hour: hour === undefined ? null : Number(hour), keyId, operation };
}

function cursorOf({ day, hour, keyId, operation }: UsagePlace): string {
  const time = hour === null ? day : `${day}T${String(hour).padStart(2, '0')}`;
  return encodeCursor(`${time} ${keyId} ${operation}`);
}

function latencyOf(latency: Durations | undefined) {
  if (!latency || latency.count === 0) return null;
  return { mean: meanOf(latency), p95: percentileOf(latency, 0.95) };
}

function rangeOf(granularity: Granularity, from: string | undefined, to: string | undefined, now: number) {
  const today = dayOf(now);
  if (granularity === 'day')
    return { from: from ?? dayOf(now - (DEFAULT_DAYS - 1) * DAY_MS), to: to ?? today };
  const oldest = dayOf(now - (HOURS_KEPT_DAYS - 1) * DAY_MS);
  let first = from ?? dayOf(now - DAY_MS);
  if (first < oldest) first = oldest;
  let last = to ?? today;
  if (last > today) last = today;
  return { from: first, to: last };
}

/** Limits of revoked keys are gone: only members and unlimited live keys see their counts. */
function maySee(store: Store, caller: Caller, { keyId, environment }: Usage): boolean {
  if (!caller.key) return true;
  const record = store.apiKeys.byId(keyId);
  if (record) return isWithinReach(caller, record);
  return caller.environment === 'live' && !isBounded(caller) && environment !== 'test';
}

function usageRoute({ store, usage, now }: BillingParts): Route {
  return route({
    ...COMMON,
    method: 'GET',
    path: '/v1/billing/usage',
    operationId: 'getUsage',
    summary: 'List the calls by day or hour, key and operation',
    description:
      'Oldest first. Days and hours are UTC. `from` defaults to 29 days before today and `to` to today, so a call ' +
      'without both returns the last 30 days. With `granularity` `hour`, which reaches back 31 days, `from` defaults ' +
      'to yesterday. An API key sees only calls of keys of its environment within ' +
      'its own limits. A page may hold fewer entries than `limit`, even none, while `next_cursor` is not ' +
      'null.',
    access: ACCESS,
    query: object(
      {
        granularity: { type: 'string', enum: ['day', 'hour'], default: 'day' },
        from: { ...DAY, description: 'First day; default: 29 days before today, or yesterday by hour.' },
        to: { ...DAY, description: 'Last day; default: today.' },
        ...PAGING,
      },
      { required: [] },
    ),
    responses: {
      200: {
        description: 'The calls.',
        schema: object({
          usage: {
            type: 'array',
            items: object({
              day: DAY,
              hour: {
                type: ['integer', 'null'],
                minimum: 0,
                maximum: 23,
                description: 'Null in counts of a whole day.',
                examples: [10],
              },
              key_id: { type: 'string', examples: ['key_01KF2M7Q8TC5V9XW3E6YB4NZRD'] },
              operation: { type: 'string', description: 'The `operationId`.', examples: ['searchFace'] },
              calls: { type: 'integer', minimum: 0, description: 'Successful calls.', examples: [120] },
              failures: {
                type: 'integer',
                minimum: 0,
                description: 'Calls that the key was allowed to make, and that ended with an error.',
                examples: [2],
              },
              latency_ms: LATENCY,
              charged_usd: { type: 'number', minimum: 0, examples: [0.12] },
            }),
          },
          next_cursor: NEXT_CURSOR,
        }),
      },
    },
    errors: [],
    handler: async ({ caller, query }) => {
      const { accountId } = caller;
      const { granularity, cursor, limit } = query;
      const { from, to } = rangeOf(granularity, query.from, query.to, now());
      if ((query.from ?? from) > (query.to ?? to)) {
        const message = 'expected a day not before `from`';
        throw new VisageError('VALIDATION_FAILED', `to: ${message}.`, [{ path: 'to', message }]);
      }
      const after = placeOf(accountId, cursor, granularity);
      await usage.flush();
      const page = {
        from,
        to,
        after,
        limit,
        scan: MAX_SCAN,
        includes: (counted: Usage) => maySee(store, caller, counted),
      };
      const { credits } = store;
      const { found, next } = await (granularity === 'day'
        ? credits.usage(accountId, page)
        : credits.usageByHour(accountId, page));
      const shown = await mapInTurns(
        found,
        ({ day, hour, keyId, operation, calls, failures = 0, latency, charged }) => ({
          day,
          hour,
          key_id: keyId,
          operation,
          calls,
          failures,
          latency_ms: latencyOf(latency),
          charged_usd: dollarsOf(charged),
        }),
      );
      return { status: 200, body: { usage: shown, next_cursor: next && cursorOf(next) } };
    },
  });
}

export function billingRoutes(parts: BillingParts): Route[] {
  return [...balanceRoutes(parts), usageRoute(parts)];
}
