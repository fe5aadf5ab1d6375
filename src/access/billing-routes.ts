import type { AccessConfig } from '../config/access-settings.ts';
import { VisageError } from '../errors.ts';
import { decodeCursor, encodeCursor, NEXT_CURSOR, PAGING } from '../http/paging.ts';
import type { CallerRoute, Schema } from '../http/route.ts';
import { object } from '../http/schema.ts';
import type { Store } from '../store/store.ts';
import { dollarsOf, microsOf } from './money.ts';
import { dayOf, type UsageLog } from './usage-log.ts';

export interface BillingParts {
  readonly store: Store;
  readonly usage: UsageLog;
  /** Whether accounts pay may change while the service runs. */
  readonly access: Pick<AccessConfig, 'isPrepaid'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const COMMON = { tags: ['Billing'] } as const;
const ACCESS = { by: 'member-or-key', role: 'admin', scope: 'v1:billing' } as const;

const DAY_MS = 86_400_000;
/** Days of usage that are answered where none are asked for. */
const DEFAULT_DAYS = 30;

const BALANCE = object({
  balance_usd: {
    type: 'number',
    description: 'What is left of what was paid in. Calls are paid from it unless the account is unlimited.',
    examples: [25.5],
  },
  unlimited: { type: 'boolean', description: 'Whether calls go on when nothing is left.', examples: [false] },
});

const DAY: Schema = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\d$', examples: ['2026-01-15'] };

/** Day, key and operation of the last entry of a page. */
const CURSOR = /^\d{4}-\d\d-\d\d (?:key_[0-9A-Z]{26}) [A-Za-z]{1,64}$/;

interface UsageQuery {
  readonly from?: string;
  readonly to?: string;
  readonly cursor?: string;
  readonly limit: number;
}

function balanceRoutes({ store, access }: BillingParts): CallerRoute[] {
  const body = (micros: number) => ({ balance_usd: dollarsOf(micros), unlimited: !access.isPrepaid });
  return [
    {
      ...COMMON,
      method: 'GET',
      path: '/v1/billing/balance',
      operationId: 'getBalance',
      summary: "Get the account's balance",
      access: ACCESS,
      responses: { 200: { description: 'The balance.', schema: BALANCE } },
      errors: [],
      handler: ({ caller }) => ({ status: 200, body: body(store.credits.balance(caller.accountId)) }),
    },
    {
      ...COMMON,
      method: 'POST',
      path: '/v1/billing/top-up',
      operationId: 'topUp',
      summary: "Add to the account's balance",
      access: { by: 'member', role: 'owner' },
      body: object({
        amount_usd: {
          type: 'number',
          minimum: 0.000001,
          maximum: 1_000_000,
          description: 'Dollars, to the millionth.',
          examples: [10],
        },
      }),
      responses: { 200: { description: 'The balance as it is now.', schema: BALANCE } },
      audit: { action: 'billing.top-up' },
      errors: ['STORAGE_READ_ONLY'],
      handler: async ({ caller, body: { amount_usd } }) => {
        const amount = microsOf(amount_usd as number);
        return {
          status: 200,
          body: body(await store.credits.topUp(caller.accountId, amount, caller.confirm)),
        };
      },
    },
  ];
}

/** @throws VisageError `VALIDATION_FAILED`. */
function placeOf(accountId: string, cursor: string | undefined) {
  const last = decodeCursor(cursor, CURSOR);
  if (last === null) return null;
  const [day = '', keyId = '', operation = ''] = last.split(' ');
  return { accountId, day, keyId, operation };
}

function usageRoute({ store, usage, now }: BillingParts): CallerRoute {
  return {
    ...COMMON,
    method: 'GET',
    path: '/v1/billing/usage',
    operationId: 'getUsage',
    summary: 'List successful calls by day, key and operation',
    description: 'Oldest day first, the last 30 days where nothing is asked for. Days are UTC.',
    access: ACCESS,
    query: object(
      {
        from: { ...DAY, description: 'The first day.' },
        to: { ...DAY, description: 'The last day.' },
        ...PAGING,
      },
      { optional: ['from', 'to', ...Object.keys(PAGING)] },
    ),
    responses: {
      200: {
        description: 'The calls.',
        schema: object({
          usage: {
            type: 'array',
            items: object({
              day: DAY,
              key_id: { type: 'string', examples: ['key_01KF2M7Q8TC5V9XW3E6YB4NZRD'] },
              operation: { type: 'string', description: 'The `operationId`.', examples: ['searchFace'] },
              calls: { type: 'integer', minimum: 1, examples: [120] },
              charged_usd: { type: 'number', minimum: 0, examples: [0.12] },
            }),
          },
          next_cursor: NEXT_CURSOR,
        }),
      },
    },
    errors: [],
    handler: async ({ caller: { accountId }, query }) => {
      const { from, to, cursor, limit } = query as unknown as UsageQuery;
      const first = from ?? dayOf(now() - (DEFAULT_DAYS - 1) * DAY_MS);
      const last = to ?? dayOf(now());
      if (first > last) {
        const message = 'is before from';
        throw new VisageError('VALIDATION_FAILED', `to: ${message}.`, [{ path: 'to', message }]);
      }
      // What is only in memory yet belongs to the answer.
      await usage.flush();
      const found = store.credits.usage(accountId, first, last, placeOf(accountId, cursor), limit + 1);
      const page = found.slice(0, limit);
      const end = page.at(-1);
      return {
        status: 200,
        body: {
          usage: page.map(({ day, keyId, operation, calls, charged }) => {
            return { day, key_id: keyId, operation, calls, charged_usd: dollarsOf(charged) };
          }),
          next_cursor:
            found.length > limit && end ? encodeCursor(`${end.day} ${end.keyId} ${end.operation}`) : null,
        },
      };
    },
  };
}

/** The endpoints under `/v1/billing`. */
export function billingRoutes(parts: BillingParts): CallerRoute[] {
  return [...balanceRoutes(parts), usageRoute(parts)];
}
