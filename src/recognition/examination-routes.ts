import { NEXT_CURSOR, PAGING } from '../api/paging.ts';
import { type Route, route } from '../api/route.ts';
import { object, type Schema, titled } from '../api/schema.ts';
import { mapInTurns } from '../base/turns.ts';
import { FINDING_KINDS } from './examination-findings.ts';
import type { ExaminationService, ExaminationStatus, ShownReport } from './examinations.ts';
import { COLLECTION_ERRORS } from './face-schemas.ts';
import { COLLECTION_ID, FACE_ID, ISSUED_FACE_ID } from './schemas.ts';

const TAGS = ['Collections'];
const ACCESS = { by: 'caller', scope: 'v1:collections' } as const;

const TIME = {
  type: 'string',
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$',
  description: 'UTC.',
  examples: ['2026-01-15T10:30:00.000Z'],
} as const satisfies Schema;

const OPTIONAL_TIME = { ...TIME, type: ['string', 'null'] } as const satisfies Schema;

const FINDING_ID = {
  type: 'string',
  pattern: '^fnd_[0-9A-HJKMNP-TV-Z]{26}$',
  description: 'The finding. Each examination issues new ids.',
  examples: ['fnd_01KF2M7Q8TC5V9XW3E6YB4NZRD'],
} as const satisfies Schema;

const KIND = {
  type: 'string',
  enum: FINDING_KINDS,
  description:
    '`duplicate`: one person under several external keys. `mixed`: several people under one. `look-alike`: two people who are likely to match each other. `low-quality`: a face that is too poor to recognise.',
} as const satisfies Schema;

const OPTIONAL_KEY = {
  type: ['string', 'null'],
  description: 'Null for a face without an external key.',
  examples: ['user-123'],
} as const satisfies Schema;

const COUNT = { type: 'integer', minimum: 0, examples: [3] } as const satisfies Schema;

const GROUP = object({
  externalKey: OPTIONAL_KEY,
  newExternalKey: {
    ...OPTIONAL_KEY,
    description: 'The external key after the proposal; null if the proposal sets none.',
  },
  faceCount: { ...COUNT, description: 'Number of faces.' },
  faceIds: { type: 'array', items: ISSUED_FACE_ID, description: 'The faces, at most 16.' },
});

const FINDING = titled(
  'Finding',
  object({
    findingId: FINDING_ID,
    kind: KIND,
    state: {
      type: 'string',
      enum: ['open', 'applied', 'dismissed', 'outdated'],
      description:
        '`dismissed`: a person has said that nothing is wrong. `outdated`: faces or external keys of the finding have changed since.',
    },
    proposal: {
      enum: ['merge', 'split', 're-enrol', null],
      description: 'Null for look-alikes, where nothing is wrong.',
      examples: ['merge'],
    },
    groups: {
      type: 'array',
      items: GROUP,
      description:
        'The faces of each person, the one that keeps its external key first; at most 256. A `mixed` key has several groups.',
    },
    similarity: {
      type: ['number', 'null'],
      minimum: 0,
      maximum: 100,
      description: 'Similarity of the groups, all images of each taken together; null for one group.',
      examples: [96.4],
    },
    errorRate: {
      type: ['number', 'null'],
      minimum: 0,
      description: 'Expected share of wrong proposals among those of this kind that are at least as certain.',
      examples: [0.004],
    },
    falseAlarms: {
      type: ['number', 'null'],
      minimum: 0,
      maximum: 1,
      description:
        'Of look-alikes: estimated chance that an image of one person matches the other at the threshold of the collection.',
      examples: [null],
    },
    quality: {
      anyOf: [
        object({
          score: { type: 'number', minimum: 0, maximum: 100, examples: [12] },
          reasons: { type: 'array', items: { type: 'string' }, examples: [['LOW_SHARPNESS']] },
        }),
        { type: 'null' },
      ],
      description: 'Of a `low-quality` face.',
      examples: [null],
    },
  }),
);

const STATE_FIELDS = {
  collectionId: COLLECTION_ID,
  state: {
    type: 'string',
    enum: ['none', 'waiting', 'running', 'done', 'failed'],
    description: 'Of the newest examination. `failed` also if the collection was reset meanwhile.',
    examples: ['done'],
  },
  progress: { type: 'number', minimum: 0, maximum: 1, description: 'Share done.', examples: [1] },
  startedAt: OPTIONAL_TIME,
  endedAt: OPTIONAL_TIME,
} as const;

const STATE = titled('ExaminationState', object(STATE_FIELDS));

const REPORT = titled(
  'Examination',
  object({
    ...STATE_FIELDS,
    faces: { ...COUNT, description: 'Number of examined faces.' },
    people: { ...COUNT, description: 'Number of external keys, and of faces without one.' },
    counts: object(
      { duplicate: COUNT, mixed: COUNT, 'look-alike': COUNT, 'low-quality': COUNT },
      {
        description:
          'Findings of each kind without dismissed ones. `findings` lists at most 1,000 of each kind, dismissed ones last.',
      },
    ),
    dismissed: object(
      { duplicate: COUNT, mixed: COUNT, 'look-alike': COUNT, 'low-quality': COUNT },
      { description: 'Findings of each kind that were dismissed before the examination.' },
    ),
    findings: { type: 'array', items: FINDING },
    applied: {
      type: 'array',
      items: object({
        findingId: FINDING_ID,
        kind: KIND,
        externalKeys: {
          type: 'array',
          items: { type: 'string', examples: ['user-123'] },
          description:
            'External keys that the proposal changed, at most 16; none for older proposals, if those of the newer ones have 250,000 characters.',
        },
        appliedAt: TIME,
        undoUntil: TIME,
      }),
      description: 'Applied proposals that can be undone, the newest first, at most 1,000.',
    },
    nextCursor: NEXT_CURSOR,
  }),
);

const NO_COUNTS = { duplicate: 0, mixed: 0, 'look-alike': 0, 'low-quality': 0 };

const APPLY_BODY = object({
  collectionId: COLLECTION_ID,
  findingId: { ...FACE_ID, description: FINDING_ID.description, examples: FINDING_ID.examples },
});

function iso(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}

function visibleState(collectionId: string, { state, progress, startedAt, endedAt }: ExaminationStatus) {
  const share = Math.round(progress * 1000) / 1000;
  return { collectionId, state, progress: share, startedAt: iso(startedAt), endedAt: iso(endedAt) };
}

async function visible(collectionId: string, report: ShownReport) {
  const { totals, findings, applied, nextCursor } = report;
  const { faces = 0, people = 0, counts = NO_COUNTS, dismissed = NO_COUNTS } = totals ?? {};
  return {
    ...visibleState(collectionId, report),
    ...{ faces, people, counts, dismissed, nextCursor },
    findings: await mapInTurns(findings, ({ quality, groups, ...finding }) => ({
      ...finding,
      groups: groups.map(({ faceIds, ...group }) => ({ ...group, faceIds: [...faceIds] })),
      quality: quality && { score: quality.score, reasons: [...quality.reasons] },
    })),
    applied: await mapInTurns(applied, ({ appliedAt, undoUntil, externalKeys, ...each }) => ({
      ...each,
      externalKeys: [...externalKeys],
      appliedAt: new Date(appliedAt).toISOString(),
      undoUntil: new Date(undoUntil).toISOString(),
    })),
  };
}

const ERRORS = [...COLLECTION_ERRORS, 'FACE_NOT_ALLOWED', 'NOT_READY', 'OVERLOADED'] as const;
const CHANGE_ERRORS = [
  ...COLLECTION_ERRORS,
  'FACE_NOT_ALLOWED',
  'NOT_FOUND',
  'NOT_READY',
  'PRECONDITION_FAILED',
  'STORAGE_READ_ONLY',
] as const;

const CHANGED_FINDING = object({ findingId: APPLY_BODY.properties.findingId });

export function examinationRoutes(examinations: ExaminationService): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/collection/examine',
      operationId: 'getExamination',
      summary: 'Get the faults that the newest examination found in a collection',
      description:
        'Starts an examination if the service has none of this collection, waits up to two seconds for it, and answers 202 while it runs. The report stays until the next examination or restart. Findings of each kind come with the most certain first. A page may hold fewer findings than `limit` while `nextCursor` is not null. An API key limited to some faces may not read it.',
      tags: TAGS,
      access: ACCESS,
      query: object({ collectionId: COLLECTION_ID, kind: KIND, ...PAGING }, { required: ['collectionId'] }),
      responses: {
        200: { description: 'The report.', schema: REPORT },
        202: { description: 'The examination waits or runs.', schema: REPORT },
      },
      errors: ERRORS,
      handler: async ({ caller, query }) => {
        const { collectionId, ...request } = query;
        const report = await examinations.read(caller, collectionId, request);
        const isUnderWay = report.state === 'waiting' || report.state === 'running';
        return { status: isUnderWay ? 202 : 200, body: await visible(collectionId, report) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/collection/examine',
      operationId: 'startExamination',
      audit: { action: 'collection.examine', target: 'collectionId' },
      summary: 'Examine a collection for faults',
      description:
        'Looks for one person under several external keys, several people under one, look-alikes and poor faces. Runs in the background, one collection at a time, and takes about a minute for 100,000 faces. Replaces the report of the last examination. While the collection is examined, starts no other examination.',
      tags: TAGS,
      access: ACCESS,
      body: object({ collectionId: COLLECTION_ID }),
      responses: { 202: { description: 'The examination waits or runs.', schema: STATE } },
      errors: ERRORS,
      handler: ({ caller, body: { collectionId } }) => ({
        status: 202,
        body: visibleState(collectionId, examinations.start(caller, collectionId)),
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/collection/examine/apply',
      operationId: 'applyProposal',
      audit: { action: 'proposal.apply', target: 'findingId' },
      summary: 'Apply the proposal of a finding',
      description:
        '`merge` gives all faces one external key, `split` gives the faces of each further person another key, `re-enrol` removes the face, so that you can enrol a better image. All in one transaction. You can undo it for 7 days, unless 1,000 later proposals were applied; until then the service keeps a removed face, but no search finds it. Answers 412 if the faces have changed since the examination.',
      tags: TAGS,
      access: ACCESS,
      body: APPLY_BODY,
      responses: {
        200: {
          description: 'The proposal is applied.',
          schema: object({ findingId: APPLY_BODY.properties.findingId, undoUntil: TIME }),
        },
      },
      errors: CHANGE_ERRORS,
      handler: async ({ caller, body: { collectionId, findingId } }) => {
        const { undoUntil, externalKeys } = await examinations.apply(caller, collectionId, findingId);
        const body = { findingId, undoUntil: new Date(undoUntil).toISOString() };
        return { status: 200, body, ...auditOf(externalKeys) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/collection/examine/undo',
      operationId: 'undoProposal',
      audit: { action: 'proposal.undo', target: 'findingId' },
      summary: 'Undo an applied proposal',
      description:
        'Restores the external keys and the removed face exactly. Answers 412 if faces of these external keys were added, changed or deleted since.',
      tags: TAGS,
      access: ACCESS,
      body: APPLY_BODY,
      responses: {
        200: {
          description: 'The proposal is undone.',
          schema: object({ findingId: APPLY_BODY.properties.findingId }),
        },
      },
      errors: CHANGE_ERRORS,
      handler: async ({ caller, body: { collectionId, findingId } }) => {
        const { externalKeys } = await examinations.undo(caller, collectionId, findingId);
        return { status: 200, body: { findingId }, ...auditOf(externalKeys) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/collection/examine/dismiss',
      operationId: 'dismissFinding',
      audit: { action: 'finding.dismiss', target: 'findingId' },
      summary: 'Dismiss a finding in which nothing is wrong',
      description:
        'Later examinations list the finding last, with the state `dismissed`, and do not count it. A dismissed `duplicate` or `look-alike` stays so until one of its external keys is deleted, renamed or merged, a `mixed` key until it gets or loses a face, a `low-quality` face until it is deleted.',
      tags: TAGS,
      access: ACCESS,
      body: APPLY_BODY,
      responses: { 200: { description: 'The finding is dismissed.', schema: CHANGED_FINDING } },
      errors: CHANGE_ERRORS,
      handler: async ({ caller, body: { collectionId, findingId } }) => {
        const externalKeys = await examinations.dismiss(caller, collectionId, findingId);
        return { status: 200, body: { findingId }, ...auditOf(externalKeys) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/collection/examine/restore',
      operationId: 'restoreFinding',
      audit: { action: 'finding.restore', target: 'findingId' },
      summary: 'Restore a dismissed finding',
      description: 'Takes a finding of the newest examination. Later examinations count it again.',
      tags: TAGS,
      access: ACCESS,
      body: APPLY_BODY,
      responses: { 200: { description: 'The finding is open again.', schema: CHANGED_FINDING } },
      errors: CHANGE_ERRORS,
      handler: async ({ caller, body: { collectionId, findingId } }) => {
        const externalKeys = await examinations.restore(caller, collectionId, findingId);
        return { status: 200, body: { findingId }, ...auditOf(externalKeys) };
      },
    }),
  ];
}

function auditOf(externalKeys: readonly string[]) {
  return externalKeys.length === 0 ? {} : { audit: { each: { externalKeys } } };
}
