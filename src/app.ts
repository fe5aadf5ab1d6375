/** Wiring: the parts of the service put together to one application. */
import type { Audit } from './access/audit.ts';
import { auditRoutes } from './access/audit-routes.ts';
import { createGate } from './access/gate.ts';
import { type Identity, identityRoutes } from './access/identity.ts';
import type { WebConfig } from './config/web-settings.ts';
import { createRouter, mountRouter } from './http/api.ts';
import { type App, createKoaApp } from './http/koa-app.ts';
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
  readonly identity: Identity;
  readonly web: WebConfig;
  /** Version of the program, for the documentation. */
  readonly version: string;
}

/** Every route of the public API. */
export function routeTable(parts: RecognitionParts & Pick<AppParts, 'health' | 'identity'>): Route[] {
  return [
    ...recognitionRoutes(parts),
    ...identityRoutes(parts.identity),
    ...auditRoutes(parts),
    ...systemRoutes(parts.health),
  ];
}

/** The public API. Its `callback()` is a request listener: nothing listens yet. */
export function createApp(parts: AppParts): App {
  const routes = routeTable(parts);
  const gate = createGate({ keys: parts.store.apiKeys, ...parts.identity });
  const router = createRouter(routes, { gate, audit: parts.audit, origins: parts.web });
  addDocumentation(router, openApiDocument(routes, parts.version));
  const app = createKoaApp(parts.log);
  mountRouter(app, router);
  return app;
}
