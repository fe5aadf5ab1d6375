/** The admin API: HTTP over a Unix socket in the data folder, whose mode is the authentication. */
import type { RequestListener } from 'node:http';
import Router from '@koa/router';
import type { IdentityAdministration } from '../access/identity-administration.ts';
import type { KeyAdministration } from '../access/key-administration.ts';
import { newKeyBody } from '../access/key-settings.ts';
import { VisageError } from '../errors.ts';
import { EXIT, exitCodeOf } from '../ops/exit-codes.ts';
import type { Log } from '../ops/log.ts';
import type { ReloadReport } from '../ops/reload.ts';
import { addIdentityRoutes } from './admin-identity.ts';
import { mountRouter } from './api.ts';
import { readBody } from './body.ts';
import { parseJson } from './json-body.ts';
import { type App, createKoaApp, type RequestState } from './koa-app.ts';
import { bodyForm } from './media-type.ts';

const MAX_BODY_BYTES = 64 * 1024;

export interface AdminParts {
  readonly keys: KeyAdministration;
  readonly identity: IdentityAdministration;
  /** Reads the settings again. @throws Error in words for the operator. */
  readonly reload: () => ReloadReport;
  readonly log: Log;
}

/** `POST /api-keys`, `GET /api-keys`, `DELETE /api-keys/{id}`, `POST /reload`, and those of members and signing keys. */
export function createAdminApp({ keys, identity, reload, log }: AdminParts): App {
  const router = new Router<RequestState>({ sensitive: true, strict: true });
  router.use(async (context, next) => {
    try {
      await next();
    } finally {
      // The router names the layer it is in, so before the handler this would be the middleware's own pattern.
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
    context.body = { keys: await keys.list() };
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
  addIdentityRoutes(router, identity);
  const app = createKoaApp(log);
  mountRouter(app, router);
  return app;
}

/**
 * What listens on the admin socket: the admin API, and the public one, which asks for a key there as everywhere, so
 * that a command need not know addresses, certificates or proxies.
 */
export function adminListener(admin: App, publicApi: RequestListener): RequestListener {
  const own = admin.callback();
  return (request, response) => {
    const isPublic = request.url?.startsWith('/v1/') || request.url === '/readyz';
    void (isPublic ? publicApi : own)(request, response);
  };
}
