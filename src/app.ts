/** Wiring: the parts of the service put together to one application. */
import { apiKeyRoutes } from './access/api-keys-routes.ts';
import type { Audit } from './access/audit.ts';
import { auditRoutes } from './access/audit-routes.ts';
import { billingRoutes } from './access/billing-routes.ts';
import { createGate } from './access/gate.ts';
import { type Identity, identityRoutes } from './access/identity.ts';
import type { UsageLog } from './access/usage-log.ts';
import { type AccessConfig, checkPrices } from './config/access-settings.ts';
import type { WebConfig } from './config/web-settings.ts';
import { createRouter, mountRouter } from './http/api.ts';
import type { ImageFetcher } from './http/image-fetch.ts';
import { type App, createKoaApp, type RequestObserver } from './http/koa-app.ts';
import { openApiDocument } from './http/openapi.ts';
import type { Route } from './http/route.ts';
import { addDocumentation } from './http/swagger.ts';
import { systemRoutes } from './http/system-routes.ts';
import type { Health } from './ops/health.ts';
import type { Log } from './ops/log.ts';
import type { RecognitionParts } from './recognition/parts.ts';
import { recognitionRoutes } from './recognition/routes.ts';

/** What the application works with. */
export interface AppParts extends RecognitionParts {
  readonly log: Log;
  readonly health: Health;
  readonly audit: Audit;
  /** Is told of every request. */
  readonly observer?: RequestObserver;
  readonly identity: Identity;
  readonly web: WebConfig;
  /** Null where pictures are not fetched by URL. */
  readonly fetchImage: ImageFetcher | null;
  readonly access: AccessConfig;
  readonly usage: UsageLog;
  /** Version of the program, for the documentation. */
  readonly version: string;
}

/** Every route of the public API. */
export function routeTable(
  parts: RecognitionParts & Pick<AppParts, 'health' | 'identity' | 'access' | 'usage'>,
): Route[] {
  return [
    ...recognitionRoutes(parts),
    ...identityRoutes(parts.identity),
    ...apiKeyRoutes(parts),
    ...billingRoutes(parts),
    ...auditRoutes(parts),
    ...systemRoutes(parts.health),
  ];
}

/** The public API. Its `callback()` is a request listener: nothing listens yet. */
export function createApp(parts: AppParts, routes = routeTable(parts)): App {
  checkPrices(
    parts.access,
    routes.map(({ operationId }) => operationId),
  );
  const gate = createGate({ ...parts.identity, ...parts, keys: parts.store.apiKeys });
  const router = createRouter(routes, { ...parts, gate, origins: parts.web });
  addDocumentation(router, openApiDocument(routes, parts.version));
  const app = createKoaApp(parts.log, parts.observer);
  mountRouter(app, router);
  return app;
}
