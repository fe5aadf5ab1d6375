import { type Route, route } from '../api/route.ts';
import { APPLIANCE_ADMIN, APPLIANCE_TAGS } from './access.ts';
import type { Diagnoser } from './diagnosis.ts';

export interface DiagnosisRouteParts {
  readonly diagnosis: Diagnoser;
}

export function diagnosisRoute(parts: () => DiagnosisRouteParts): Route {
  return route({
    method: 'GET',
    path: '/v1/system/diagnosis',
    operationId: 'getDiagnosis',
    summary: 'Download a diagnosis for support',
    description:
      'One document with version, machine, state, settings, findings of `visagectl doctor`, history and metrics. It holds ' +
      'no secret, no name, no e-mail, no external key, no id, no address and no path. Takes a few seconds. For admins of ' +
      'the first account.',
    tags: APPLIANCE_TAGS,
    access: APPLIANCE_ADMIN,
    responses: {
      200: {
        description: 'The diagnosis, as a file. Its fields may change with each version.',
        schema: { type: 'object' },
      },
    },
    errors: [],
    handler: async () => {
      const body = await parts().diagnosis.examine();
      const name = `visage-diagnosis-${body.createdAt.slice(0, 10)}.json`;
      return { status: 200, body, headers: { 'Content-Disposition': `attachment; filename="${name}"` } };
    },
  });
}
