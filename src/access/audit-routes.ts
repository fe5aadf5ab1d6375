import { VisageError } from '../errors.ts';
import type { CallerRoute, Schema } from '../http/route.ts';
import type { AuditRecord } from '../store/audit-records.ts';
import type { Store } from '../store/store.ts';

/** Entries that one call looks at: it answers within a few milliseconds however rare what it looks for is. */
const MAX_SCAN = 2_000;

const TIME_PATTERN = '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,3})?Z$';

const text = (description: string, example: string, rest: Schema = {}): Schema => ({
  type: 'string',
  description,
  examples: [example],
  ...rest,
});

const nullable = (schema: Schema): Schema => ({ ...schema, type: [schema.type, 'null'] });

const TIME = (description: string): Schema =>
  text(description, '2026-01-15T10:30:00.000Z', { pattern: TIME_PATTERN, maxLength: 24 });
const ACTION = text('What was done, or was asked for.', 'collection.delete', {
  minLength: 1,
  maxLength: 64,
  pattern: '^[A-Za-z.-]+$',
});
const ACTOR_ID = text('Id of the key or the member.', 'key_01KF2M7Q8TC5V9XW3E6YB4NZRD', {
  minLength: 1,
  maxLength: 64,
});

const ENTRY: Schema = {
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
    'hash',
  ],
  properties: {
    sequence: { type: 'integer', description: 'Place in the chain of the whole appliance.' },
    time: TIME('UTC; of the first where several were counted.'),
    actor: {
      type: 'object',
      additionalProperties: false,
      required: ['kind', 'id'],
      properties: {
        kind: { type: 'string', enum: ['key', 'member', 'operator', 'system', 'anonymous'] },
        id: nullable(ACTOR_ID),
      },
    },
    action: ACTION,
    target: nullable(text('Id of what it was done to.', 'my-collection')),
    result: text('`ok`, or the code with which it was refused.', 'ok'),
    address: nullable(text("The client's address.", '198.51.100.42')),
    requestId: nullable(text('The `X-Request-Id`.', '7d1c5c5e-0a53-4f0a-8f0e-6a4f2a0c1b2d')),
    count: { type: 'integer', minimum: 1, description: 'How often, where a refusal was repeated.' },
    hash: text('SHA-256 over the hash before and this entry.', 'a'.repeat(64), {
      pattern: '^[0-9a-f]{64}$',
    }),
  },
};

interface AuditQuery {
  readonly action?: string;
  readonly actor?: string;
  readonly since?: string;
  readonly until?: string;
  readonly cursor?: string;
  readonly limit: number;
}

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
    hash,
  };
}

function invalid(path: string, message: string): VisageError {
  return new VisageError('VALIDATION_FAILED', `${path}: ${message}.`, [{ path, message }]);
}

function timeOf(path: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const time = Date.parse(value);
  if (Number.isNaN(time)) throw invalid(path, 'is not a time');
  return time;
}

/** `GET /v1/audit`: an account's own part of the log. */
export function auditRoutes({ store }: { readonly store: Store }): CallerRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/audit',
      operationId: 'listAudit',
      summary: 'List what was done and what was refused',
      description:
        'Newest first. A page may hold fewer entries than `limit`, even none, while `nextCursor` is not null. ' +
        'Requests whose account is not known are only in `visagectl audit export`.',
      tags: ['Audit'],
      access: { by: 'member-or-key', role: 'admin', scope: 'v1:audit' },
      query: {
        type: 'object',
        additionalProperties: false,
        properties: {
          action: ACTION,
          actor: ACTOR_ID,
          since: TIME('Nothing older, UTC.'),
          until: TIME('Nothing newer, UTC.'),
          limit: {
            type: 'integer',
            minimum: 1,
            maximum: 1000,
            default: 100,
            description: 'Entries to answer at most.',
          },
          cursor: text('The `nextCursor` of the answer before.', '1200', { pattern: '^[1-9]\\d{0,14}$' }),
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
                description: 'The `cursor` of the next call; null where nothing is left.',
              },
            },
          },
        },
      },
      errors: [],
      handler: ({ caller, query }) => {
        const { action, actor, since, until, cursor, limit } = query as unknown as AuditQuery;
        const { entries, next } = store.audit.page(
          caller.accountId,
          { action, actor, since: timeOf('since', since), until: timeOf('until', until) },
          { before: cursor === undefined ? null : Number(cursor), limit, scan: MAX_SCAN },
        );
        const nextCursor = next === null ? null : String(next);
        return { status: 200, body: { entries: entries.map(viewOf), nextCursor } };
      },
    },
  ];
}
