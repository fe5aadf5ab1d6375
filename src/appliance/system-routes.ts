import { type Route, route } from '../api/route.ts';
import { object, type Properties, type Schema, titled } from '../api/schema.ts';
import { PROVIDERS } from '../native/device.ts';
import { APPLIANCE_ADMIN, APPLIANCE_TAGS } from './access.ts';
import { type HistoryRecorder, PERIOD_NAMES, PERIODS, STAGES } from './history.ts';
import { type SystemSources, systemState } from './system-state.ts';

export interface SystemParts {
  readonly system: SystemSources;
  readonly history: HistoryRecorder;
}

export const TIME = {
  type: 'string',
  description: 'UTC, ISO 8601.',
  examples: ['2026-01-15T10:30:00.000Z'],
} as const satisfies Schema;
const COUNT = { type: 'integer', minimum: 0, examples: [12] } as const satisfies Schema;
const BYTES = { type: 'integer', minimum: 0, examples: [104857600] } as const satisfies Schema;
const MILLISECONDS = { type: ['number', 'null'], minimum: 0, examples: [18.4] } as const satisfies Schema;

function orNull<const S extends Schema>(schema: S) {
  return { anyOf: [schema, { type: 'null' }] } as const;
}

const ATTENTION = titled(
  'Attention',
  object({
    code: { type: 'string', description: 'Stable: programs should branch on it.', examples: ['BACKUP_OLD'] },
    severity: { type: 'string', enum: ['info', 'warning', 'error'] },
    text: { type: 'string', examples: ['There is no backup of the last 9 days.'] },
    action: { type: 'string', description: 'The remedy.' },
  }),
);

const SYSTEM = {
  version: { type: 'string', examples: ['1.4.2'] },
  nodeVersion: { type: 'string', examples: ['20.19.0'] },
  startedAt: TIME,
  hostname: { type: 'string' },
  device: { type: 'string', enum: PROVIDERS, description: 'The device that runs the networks.' },
  threads: { ...COUNT, description: 'Threads for images and searches.' },
  models: {
    type: 'array',
    items: object({
      model: { type: 'string', examples: ['yunet'] },
      version: { type: 'string' },
      provider: { type: 'string', examples: ['CPUExecutionProvider'] },
      device: { type: 'string', examples: ['cpu'] },
    }),
  },
  memory: object({
    rssBytes: { ...BYTES, description: 'Memory of the service.' },
    limitBytes: { ...BYTES, type: ['integer', 'null'], description: 'Limit of the service; null for none.' },
    indexBytes: { ...BYTES, description: 'The part that the vector index takes.' },
    systemFreeBytes: { ...BYTES, description: 'Memory of the machine that programs may still take.' },
  }),
  disk: orNull(
    object({
      dataBytes: { ...BYTES, description: 'Size of the store and the snapshots.' },
      freeBytes: { ...BYTES, description: "Free space for the service on the store's file system." },
      totalBytes: { ...BYTES, description: "Size of the store's file system." },
    }),
  ),
  store: object({
    schema: { ...COUNT, description: 'Version of the layout.' },
    faces: COUNT,
    collections: COUNT,
    accounts: COUNT,
  }),
  queue: object({
    length: { ...COUNT, description: 'Images that wait for a thread.' },
    max: { ...COUNT, description: 'Limit of waiting images for a thread; `OVERLOADED` beyond it.' },
    running: { ...COUNT, description: 'Threads at work.' },
  }),
  certificate: orNull(object({ expiresAt: TIME, isSelfSigned: { type: 'boolean' } })),
  lastBackup: orNull(
    object({
      at: TIME,
      bytes: { ...BYTES, type: ['integer', 'null'], description: 'Size; null if unknown.' },
    }),
  ),
  attention: { type: 'array', items: ATTENTION, description: 'What needs attention, most severe first.' },
} as const satisfies Properties;

function systemRoute(parts: () => SystemParts): Route {
  return route({
    method: 'GET',
    path: '/v1/system',
    operationId: 'getSystem',
    summary: 'Get the state of the appliance',
    description:
      'Version, models, memory, disk, store, queue, certificate, last backup, and what needs attention. For admins of ' +
      'the first account. `disk` is null if the file system does not answer, `certificate` without TLS.',
    tags: APPLIANCE_TAGS,
    access: APPLIANCE_ADMIN,
    responses: { 200: { description: 'The state.', schema: object(SYSTEM) } },
    errors: [],
    handler: async () => {
      const { system, history } = parts();
      return { status: 200, body: await systemState(system, history) };
    },
  });
}

const POINT = titled(
  'HistoryPoint',
  object({
    time: { ...TIME, description: 'Begin of the step.' },
    requests: COUNT,
    errors: { ...COUNT, description: 'Answers with a status of 500 and above.' },
    refusals: { ...COUNT, description: 'Answers with a status from 400 to 499.' },
    matches: { ...COUNT, description: 'Searches and comparisons that found a match.' },
    noMatches: COUNT,
    latency: object(
      { p50: MILLISECONDS, p95: MILLISECONDS },
      { description: 'Milliseconds of successful image calls; null without any. At most a tenth off.' },
    ),
    stages: object(
      Object.fromEntries(STAGES.map((stage) => [stage, MILLISECONDS])) as Record<
        (typeof STAGES)[number],
        typeof MILLISECONDS
      >,
      { description: 'Mean milliseconds of each stage; null where it did not run.' },
    ),
    queueLength: { ...COUNT, description: 'Most images that waited for a thread.' },
    memoryBytes: BYTES,
    diskBytes: { ...BYTES, description: 'Size of the store and the snapshots.' },
  }),
);

function historyRoute(parts: () => SystemParts): Route {
  return route({
    method: 'GET',
    path: '/v1/system/history',
    operationId: 'getSystemHistory',
    summary: 'List what the appliance did in the last hour, day or month',
    description:
      'Oldest step first: 60 minutes, 96 quarters of an hour, or 31 days (UTC), the running step included. Steps in ' +
      'which the service did not run are missing. Health probes and the polling of an open dashboard do not count. For ' +
      'admins of the first account.',
    tags: APPLIANCE_TAGS,
    access: APPLIANCE_ADMIN,
    query: object({ period: { type: 'string', enum: PERIOD_NAMES, default: 'hour' } }, { required: [] }),
    responses: {
      200: {
        description: 'The steps.',
        schema: object({
          period: { type: 'string', enum: PERIOD_NAMES },
          step: { type: 'integer', description: 'Length of a step, seconds.', examples: [60] },
          points: { type: 'array', items: POINT },
        }),
      },
    },
    errors: [],
    handler: ({ query: { period } }) => ({
      status: 200,
      body: { period, step: PERIODS[period].step / 1000, points: parts().history.points(period) },
    }),
  });
}

export function systemRoutes(parts: () => SystemParts): Route[] {
  return [systemRoute(parts), historyRoute(parts)];
}
