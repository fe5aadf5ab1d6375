import { type Route, route } from '../api/route.ts';
import { object, titled } from '../api/schema.ts';
import type { ModelService } from './models.ts';
import { MODEL } from './schemas.ts';

const LOADED_MODEL = titled(
  'LoadedModel',
  object({
    model: { ...MODEL, description: 'Name of the model pack.' },
    version: { type: 'string', examples: ['1.0.0'] },
    isDefault: { type: 'boolean', description: 'Whether calls without `model` use the pack.' },
    dimension: { type: 'integer', description: 'Numbers in an embedding.', examples: [512] },
    hasPose: { type: 'boolean', description: 'Whether the pack measures yaw, pitch and roll.' },
    hasLiveness: {
      type: 'boolean',
      description: 'Whether the pack tells a live face from a print or a screen.',
    },
    collectionCount: {
      type: 'integer',
      minimum: 0,
      description: "The caller's collections of the pack, among the first 10,000 collections.",
      examples: [3],
    },
    olderVersions: {
      type: 'array',
      description: 'Versions that serve only collections made with them, until those migrate.',
      items: object({
        version: { type: 'string', examples: ['0.9.0'] },
        collectionCount: { type: 'integer', minimum: 0, description: 'As above.', examples: [1] },
      }),
    },
  }),
);

export function modelsRoute(models: ModelService): Route {
  return route({
    method: 'GET',
    path: '/v1/models',
    operationId: 'listModels',
    summary: 'List the model packs',
    description:
      'The loaded packs that the caller may use: those of the settings, in their order, then those that only stored ' +
      'collections use.',
    tags: ['Collections'],
    access: { by: 'caller', scope: null },
    responses: {
      200: {
        description: 'The model packs.',
        schema: object({ models: { type: 'array', items: LOADED_MODEL } }),
      },
    },
    errors: [],
    handler: async ({ caller }) => ({ status: 200, body: { models: await models.list(caller) } }),
  });
}
