import type Router from '@koa/router';
import type { CollectionPlace, MigrationAdministration } from '../api/migrations.ts';
import { object } from '../api/schema.ts';
import { compile } from '../api/validation.ts';
import { answerList } from './admin-list.ts';
import { readBody } from './body.ts';
import { parseJson } from './json-body.ts';
import type { RequestState } from './koa-app.ts';
import { bodyForm } from './media-type.ts';

const MAX_BODY_BYTES = 16 * 1024;

const PLACE = {
  accountId: { type: 'string' },
  environment: { type: 'string', enum: ['live', 'test'] },
  collectionId: { type: 'string' },
} as const;

const placeOf = compile(object(PLACE), 'typed');

const actionOf = compile(
  object(
    {
      ...PLACE,
      action: { type: 'string', enum: ['start', 'pause', 'rollback', 'finish', 'remove-sighting'] },
      to: { type: 'string' },
      sightings: { type: 'boolean', default: false },
      deleteLeft: { type: 'boolean', default: false },
      faceId: { type: 'string', default: '' },
    },
    { optional: ['to'] },
  ),
  'typed',
);

export function addMigrationRoutes(router: Router<RequestState>, migrations: MigrationAdministration): void {
  router.get('/migrations', async (context) => {
    answerList(context, 'migrations', await migrations.list());
  });
  router.get('/migrations/left', async (context) => {
    const place: CollectionPlace = placeOf({ ...context.query });
    answerList(context, 'faces', await migrations.left(place));
  });
  router.post('/migrations', async (context) => {
    bodyForm(context.req.headers, ['json']);
    const body = actionOf(parseJson(await readBody(context.req, context.res, MAX_BODY_BYTES)));
    const { action, to, sightings, deleteLeft, faceId, ...place } = body;
    switch (action) {
      case 'start':
        context.body = await migrations.begin(place, { to, sightings });
        break;
      case 'pause':
        context.body = await migrations.pause(place);
        break;
      case 'rollback':
        context.body = await migrations.rollBack(place);
        break;
      case 'finish':
        context.body = await migrations.finish(place, deleteLeft);
        break;
      case 'remove-sighting':
        context.body = await migrations.removeSighting(place, faceId);
    }
  });
}
