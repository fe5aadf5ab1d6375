import { type Route, route } from '../api/route.ts';
import { VisageError } from '../errors.ts';
import { PROVIDERS } from '../native/device.ts';
import { CHECKS, type Health } from '../ops/health.ts';

const TAGS = ['Health'];
const TEXT = { type: 'string' } as const;

function utcSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

export function systemRoutes(health: Health): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/healthz',
      operationId: 'healthz',
      summary: 'Check that the API answers',
      description: 'Returns the current UTC time.',
      tags: TAGS,
      access: { by: 'anyone' },
      responses: {
        200: {
          description: 'The API is healthy.',
          contentType: 'text/plain',
          schema: {
            ...TEXT,
            pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$',
            examples: ['2026-02-16T10:30:45Z'],
          },
        },
      },
      errors: [],
      handler: () => ({ status: 200, body: utcSeconds(new Date()) }),
    }),
    route({
      method: 'GET',
      path: '/livez',
      operationId: 'livez',
      summary: 'Check that the process runs',
      tags: TAGS,
      access: { by: 'anyone' },
      responses: {
        200: {
          description: 'The process runs.',
          contentType: 'text/plain',
          schema: { ...TEXT, const: 'ok' },
        },
      },
      errors: [],
      handler: () => ({ status: 200, body: 'ok' }),
    }),
    route({
      method: 'GET',
      path: '/readyz',
      operationId: 'readyz',
      summary: 'Check that the service is ready',
      description:
        'Ready when models are loaded, the store is open, the index matches the store, and a test inference has run.',
      tags: TAGS,
      access: { by: 'anyone' },
      responses: {
        200: {
          description: 'All checks passed.',
          schema: {
            type: 'object',
            additionalProperties: false,
            required: ['status', 'device', 'checks'],
            properties: {
              status: { const: 'ready' },
              device: { enum: PROVIDERS, description: 'The device that runs the networks.' },
              checks: {
                type: 'object',
                additionalProperties: false,
                required: CHECKS,
                properties: Object.fromEntries(CHECKS.map((check) => [check, { type: 'boolean' }])),
              },
            },
          },
        },
      },
      errors: ['NOT_READY'],
      handler: () => {
        const { ready, device, checks } = health.report();
        if (!ready || device === null) throw new VisageError('NOT_READY', health.shortfall());
        return { status: 200, body: { status: 'ready', device, checks } };
      },
    }),
  ];
}
