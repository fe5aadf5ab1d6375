import { type Route, route } from '../../api/route.ts';
import type { Schema } from '../../api/schema.ts';
import { timeOf, UTC_TIME } from '../../api/times.ts';
import { mapInTurns } from '../../base/turns.ts';
import type { AuditRecord } from '../../store/audit-records.ts';
import type { Store } from '../../store/store.ts';
import { auditReach } from './audit-access.ts';

/** Limits a call to a few milliseconds. */
const MAX_SCAN = 2_000;
/** Each entry costs a comparison of limits. */
const MAX_COMPARED = 200;

function text<const S extends Schema = Record<never, never>>(description: string, example: string, rest?: S) {
  return { type: 'string', description, examples: [example], ...rest } as const;
}

function nullableText<const S extends Schema = Record<never, never>>(
  description: string,
  example: string,
  rest?: S,
) {
  return { ...text(description, example, rest), type: ['string', 'null'] } as const;
}

const TIME = (description: string) => ({ ...UTC_TIME, description }) as const;
const ACTION = text('The act, or the operation of a refused request.', 'collection.delete', {
  minLength: 1,
  maxLength: 64,
  pattern: '^[A-Za-z.-]+$',
});
const ACTOR_ID = text('Id of the key or the member.', 'key_01KF2M7Q8TC5V9XW3E6YB4NZRD', {
  minLength: 1,
  maxLength: 64,
});

const ENTRY = {
  title: 'AuditEntry',
  type: 'object',
  additionalProperties: false,
  required: [
    'sequence',
    'time',
    'actor',
    'action',
    'target',
    'result',
    'address',
    'requestId',
    'count',
    'environment',
    'collectionId',
    'hash',
  ],
  properties: {
    sequence: { type: 'integer', description: "Position in the appliance's chain." },
    time: TIME('UTC; for a repeated refusal, of the first.'),
    actor: {
      type: 'object',
      additionalProperties: false,
      required: ['kind', 'id'],
      properties: {
        kind: { type: 'string', enum: ['key', 'member', 'operator', 'system', 'anonymous'] },
        id: { ...ACTOR_ID, type: ['string', 'null'] },
      },
    },
    action: ACTION,
    target: nullableText('Id of the target; for an external key, its pseudonym.', 'my-collection'),
    result: text('`ok`, or the error code of a refusal.', 'ok'),
    address: nullableText("The client's address.", '198.51.100.42'),
    requestId: nullableText('The `X-Request-Id`.', '7d1c5c5e-0a53-4f0a-8f0e-6a4f2a0c1b2d'),
    count: { type: 'integer', minimum: 1, description: 'Occurrences; above 1 for a repeated refusal.' },
    environment: {
      type: ['string', 'null'],
      enum: ['live', 'test', null],
      description: 'Environment of the data; null if unknown.',
    },
    collectionId: nullableText('The collection concerned, if any.', 'my-collection'),
    hash: text('SHA-256 of the previous hash and this entry.', 'a'.repeat(64), {
      pattern: '^[0-9a-f]{64}$',
    }),
  },
} as const satisfies Schema;

function viewOf({
  sequence,
  at,
  actor,
  action,
  target,
  result,
  address,
  requestId,
  count,
  environment = null,
  collectionId = null,
  hash,
}: AuditRecord) {
  return {
    sequence,
    time: new Date(at).toISOString(),
    actor,
    action,
    target,
    result,
    address,
    requestId,
    count,
    environment,
    collectionId,
    hash,
  };
}

export function auditRoutes({ store }: { readonly store: Store }): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/audit',
      operationId: 'listAudit',
      summary: 'List audit entries',
      description:
        'Newest first: administrative acts and refused requests. An API key sees entries of its environment ' +
        'and within its limits. A page may hold fewer entries than `limit`, even none, while `nextCursor` is ' +
        'not null. Refused requests of unknown accounts are only in `visagectl audit export`.',
      tags: ['Audit'],
      access: { by: 'member-or-key', role: 'admin', scope: 'v1:audit' },
      query: {
        type: 'object',
        additionalProperties: false,
        properties: {
          action: ACTION,
          actor: ACTOR_ID,
          target: text('An id, or an external key.', 'user-123', {
            minLength: 1,
            maxLength: 512,
            pattern: '^[\\x21-\\x7E]+$',
          }),
          since: TIME('Earliest time, UTC.'),
          until: TIME('Latest time, UTC.'),
          limit: {
            type: 'integer',
            minimum: 1,
            maximum: 1000,
            default: 100,
            description: 'Maximum number of entries.',
          },
          cursor: text('The `nextCursor` of the previous page.', '1200', { pattern: '^[1-9]\\d{0,14}$' }),
        },
      },
      responses: {
        200: {
          description: "The account's entries.",
          schema: {
            type: 'object',
            additionalProperties: false,
            required: ['entries', 'nextCursor'],
            properties: {
              entries: { type: 'array', items: ENTRY },
              nextCursor: {
                type: ['string', 'null'],
                description: 'The `cursor` of the next page; null on the last page.',
              },
            },
          },
        },
      },
      errors: [],
      handler: async ({ caller, query }) => {
        const { action, actor, target, since, until, cursor, limit } = query;
        const isCompared = caller.allowedExternalKeys !== null || caller.allowedModels !== null;
        const scan = isCompared ? MAX_COMPARED : MAX_SCAN;
        const { entries, next } = await store.audit.page(
          caller.accountId,
          {
            action,
            actor,
            target,
            since: timeOf('since', since),
            until: timeOf('until', until),
            isVisible: auditReach(store, caller),
          },
          { before: cursor === undefined ? null : Number(cursor), limit, scan },
        );
        const nextCursor = next === null ? null : String(next);
        return { status: 200, body: { entries: await mapInTurns(entries, viewOf), nextCursor } };
      },
    }),
  ];
}
