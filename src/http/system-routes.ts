/** Routes about the service itself: they need no key. */
import { VisageError } from '../errors.ts';
import { PROVIDERS } from '../native/device.ts';
import { CHECKS, type Health } from '../ops/health.ts';
import type { PublicRoute } from './route.ts';

const TAGS = ['Health'];
const TEXT = { type: 'string' } as const;

/** UTC with whole seconds, such as `2026-02-16T10:30:45Z`. */
function utcSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** @param health the state that `/readyz` tells. */
export function systemRoutes(health: Health): PublicRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/healthz',
      operationId: 'healthz',
      summary: 'Check that the API answers',
      description: 'Answers the current UTC time.',
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
    },
    {
      method: 'GET',
      path: '/livez',
      operationId: 'livez',
      summary: 'Check that the process runs',
      tags: TAGS,
      access: { by: 'anyone' },
      responses: {
        200: { description: 'It runs.', contentType: 'text/plain', schema: { ...TEXT, const: 'ok' } },
      },
      errors: [],
      handler: () => ({ status: 200, body: 'ok' }),
    },
    {
      method: 'GET',
      path: '/readyz',
      operationId: 'readyz',
      summary: 'Check that the service can do its work',
      description:
        'Models are loaded, the store is open, the index holds what the store holds, and inference has run.',
      tags: TAGS,
      access: { by: 'anyone' },
      responses: {
        200: {
          description: 'Every check has passed.',
          schema: {
            type: 'object',
            additionalProperties: false,
            required: ['status', 'device', 'checks'],
            properties: {
              status: { const: 'ready' },
              device: { enum: PROVIDERS, description: 'What runs the networks.' },
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
        if (ready) return { status: 200, body: { status: 'ready', device, checks } };
        throw new VisageError('NOT_READY', health.shortfall());
      },
    },
  ];
}
