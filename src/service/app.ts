import type { Audit } from '../access/audit/audit.ts';
import { auditRoutes } from '../access/audit/audit-routes.ts';
import { billingRoutes } from '../access/billing/billing-routes.ts';
import type { UsageLog } from '../access/billing/usage-log.ts';
import { AddressLimits } from '../access/gate/address-limits.ts';
import { createGate } from '../access/gate/gate.ts';
import type { Idempotency } from '../access/idempotency.ts';
import { apiKeyRoutes } from '../access/keys/api-keys-routes.ts';
import { type Identity, identityRoutes } from '../access/members/identity.ts';
import type { Route } from '../api/route.ts';
import { type ApplianceParts, applianceRoutes } from '../appliance/routes.ts';
import type { AccessConfig, WebConfig } from '../config/config.ts';
import { createRouter, mountRouter } from '../http/api.ts';
import type { BodyBudget } from '../http/body-budget.ts';
import type { ImageFetcher } from '../http/image-fetch.ts';
import { type AnonymousLimits, type App, createKoaApp, type RequestObserver } from '../http/koa-app.ts';
import { openApiDocument } from '../http/openapi.ts';
import { addDocumentation } from '../http/swagger.ts';
import { systemRoutes } from '../http/system-routes.ts';
import { addWebFiles, hasWebFiles } from '../http/web-files.ts';
import type { Health } from '../ops/health.ts';
import type { Log } from '../ops/log.ts';
import { LogBudget } from '../ops/log-budget.ts';
import type { RecognitionParts } from '../recognition/requests.ts';
import { recognitionRoutes } from '../recognition/routes.ts';

export interface AppParts extends RecognitionParts {
  readonly log: Log;
  readonly health: Health;
  readonly audit: Audit;
  readonly observer?: RequestObserver;
  /** The handler during the start shares these limits. */
  readonly anonymousLimits?: AnonymousLimits;
  readonly identity: Identity;
  readonly idempotency: Idempotency;
  readonly web: WebConfig;
  /** Null if the service fetches no images by URL. */
  readonly fetchImage: ImageFetcher | null;
  readonly access: AccessConfig;
  readonly bodies: BodyBudget;
  readonly usage: UsageLog;
  readonly appliance: ApplianceParts;
  readonly version: string;
}

export function anonymousLimitsOf(access: AccessConfig, log: Log): AnonymousLimits {
  return { addresses: new AddressLimits(access), lines: new LogBudget(log) };
}

export function routeTable(
  parts: RecognitionParts & Pick<AppParts, 'health' | 'identity' | 'access' | 'usage' | 'appliance'>,
): Route[] {
  return [
    ...recognitionRoutes(parts),
    ...identityRoutes(parts.identity),
    ...apiKeyRoutes(parts),
    ...billingRoutes(parts),
    ...auditRoutes(parts),
    ...applianceRoutes(parts),
    ...systemRoutes(parts.health),
  ];
}

export function createApp(parts: AppParts): App {
  const routes = routeTable(parts);
  const { anonymousLimits = anonymousLimitsOf(parts.access, parts.log) } = parts;
  const { addresses } = anonymousLimits;
  const gate = createGate({ ...parts.identity, ...parts, keys: parts.store.apiKeys, addresses });
  const router = createRouter(routes, { ...parts, gate, origins: parts.web, addresses });
  const isServed = parts.web.isServed && hasWebFiles();
  if (parts.web.isServed && !isServed) parts.log.warn('the dashboard is not built: run `npm run setup`');
  if (isServed) addWebFiles(router, addresses);
  addDocumentation(router, openApiDocument(routes, parts.version), !isServed, addresses);
  const app = createKoaApp(parts.log, parts.observer, anonymousLimits);
  mountRouter(app, router, addresses);
  return app;
}
