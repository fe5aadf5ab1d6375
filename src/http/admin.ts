/** The Unix socket's mode is the authentication. */
import type { RequestListener } from 'node:http';
import Router from '@koa/router';
import type { KeyAdministration } from '../access/keys/key-administration.ts';
import { newKeyBody } from '../access/keys/key-settings.ts';
import type { IdentityAdministration } from '../access/members/identity-administration.ts';
import type { MigrationAdministration } from '../api/migrations.ts';
import type { SettingValues } from '../config/settings.ts';
import { VisageError } from '../errors.ts';
import { EXIT, exitCodeOf } from '../ops/exit-codes.ts';
import type { Log } from '../ops/log.ts';
import type { ReloadReport } from '../ops/reload.ts';
import { addIdentityRoutes } from './admin-identity.ts';
import { answerList } from './admin-list.ts';
import { addMigrationRoutes } from './admin-migrations.ts';
import { mountRouter } from './api.ts';
import { readBody } from './body.ts';
import { parseJson } from './json-body.ts';
import { type App, createKoaApp, type RequestState } from './koa-app.ts';
import type { AddressSetting, ListenerFacts } from './listeners.ts';
import { bodyForm } from './media-type.ts';

const MAX_BODY_BYTES = 64 * 1024;

export interface ServiceFacts {
  readonly version: string;
  readonly configFile: string | null;
  readonly dataDir: string;
  readonly settings: SettingValues;
  readonly listeners: readonly ListenerFacts[];
  /** systemd's sockets override these. */
  readonly replaced: readonly AddressSetting[];
}

export interface AdminParts {
  readonly keys: KeyAdministration;
  readonly migrations: MigrationAdministration;
  readonly identity: IdentityAdministration;
  /** @throws Error. */
  readonly reload: () => ReloadReport;
  readonly facts: () => ServiceFacts;
  readonly log: Log;
}

export function createAdminApp({ keys, migrations, identity, reload, facts, log }: AdminParts): App {
  const router = new Router<RequestState>({ sensitive: true, strict: true });
  router.use(async (context, next) => {
    try {
      await next();
    } finally {
      // Earlier, `_matchedRoute` is the middleware's pattern.
      context.state.route = `admin ${context._matchedRoute}`;
    }
  });
  router.post('/api-keys', async (context) => {
    bodyForm(context.req.headers, ['json']);
    const body = parseJson(await readBody(context.req, context.res, MAX_BODY_BYTES));
    context.body = await keys.create(newKeyBody(body));
    context.status = 201;
  });
  router.get('/api-keys', async (context) => {
    answerList(context, 'keys', await keys.list());
  });
  router.delete('/api-keys/:id', async (context) => {
    await keys.revoke(String(context.params.id));
    context.status = 204;
  });
  router.post('/reload', (context) => {
    try {
      context.body = reload();
    } catch (error) {
      if (exitCodeOf(error) === EXIT.failure) throw error;
      throw new VisageError('VALIDATION_FAILED', (error as Error).message);
    }
  });
  router.get('/facts', (context) => {
    context.body = facts();
  });
  addIdentityRoutes(router, identity);
  addMigrationRoutes(router, migrations);
  const app = createKoaApp(log);
  mountRouter(app, router);
  return app;
}

export function adminListener(admin: App, publicApi: RequestListener): RequestListener {
  const own = admin.callback();
  return (request, response) => {
    const isPublic = request.url?.startsWith('/v1/') || request.url === '/readyz';
    void (isPublic ? publicApi : own)(request, response);
  };
}
