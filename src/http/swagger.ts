/** The interactive documentation, from files of this machine only. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type Router from '@koa/router';
import type { Context, RequestState } from './koa-app.ts';
import type { Json } from './openapi.ts';

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Visage API</title>
    <link rel="icon" href="/swagger/favicon-32x32.png">
    <link rel="stylesheet" href="/swagger/swagger-ui.css">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/swagger/swagger-ui-bundle.js"></script>
    <script src="/swagger/initializer.js"></script>
  </body>
</html>
`;

const INITIALIZER = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
});
`;

/** Scripts and requests to this server alone. The bundle sets style attributes and draws icons from data URLs. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const ASSETS = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
} as const;

const ASSET_FOLDER = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** Adds `/openapi.json` and `/swagger` to a router. */
export function addDocumentation(router: Router<RequestState>, document: Json): void {
  const text = JSON.stringify(document);
  const add = (path: string, type: string, content: () => string | Promise<Buffer>) => {
    router.get(path, async (context: Context) => {
      context.state.route = path;
      context.body = await content();
      context.type = type;
      context.set('Content-Security-Policy', POLICY);
    });
  };
  add('/openapi.json', 'application/json', () => text);
  add('/swagger', 'text/html', () => PAGE);
  add('/swagger/initializer.js', 'text/javascript', () => INITIALIZER);
  for (const [name, type] of Object.entries(ASSETS)) {
    add(`/swagger/${name}`, type, () => readFile(join(ASSET_FOLDER, name)));
  }
}
