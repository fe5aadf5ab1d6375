import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type Router from '@koa/router';
import type { AddressLimits } from '../access/gate/address-limits.ts';
import { type Context, limitByAddress, type RequestState } from './koa-app.ts';
import type { Json } from './openapi.ts';
import { addStaticFile, ENCODINGS, type StaticFile } from './static-files.ts';

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

/** Allows only this server, and the bundle's style attributes and data URLs. */
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

const COMPRESSED_FOLDER = fileURLToPath(new URL('static', import.meta.url));
const SUFFIXES = { br: '.br', gzip: '.gz' } as const;

/** Seconds. */
const ASSET_MAX_AGE = 3600;

const BROTLI_QUALITY = 4;

const ENTRANCES = ['/docs', '/docs/', '/swagger/'];

function compressedAsset(name: string): StaticFile['compressed'] {
  return Object.fromEntries(
    ENCODINGS.map((encoding) => [encoding, join(COMPRESSED_FOLDER, name + SUFFIXES[encoding])] as const)
      .filter(([, file]) => existsSync(file))
      .map(([encoding, file]) => [encoding, readFileSync(file)]),
  );
}

function compressedText(content: Buffer): StaticFile['compressed'] {
  return {
    br: brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
    gzip: gzipSync(content),
  };
}

export function addDocumentation(
  router: Router<RequestState>,
  document: Json,
  isFirstPage: boolean,
  addresses?: AddressLimits,
): void {
  const headers = { 'Content-Security-Policy': POLICY };
  const add = (path: string, file: Omit<StaticFile, 'headers'>) =>
    addStaticFile(router, path, { ...file, headers }, addresses);
  const addText = (path: string, type: string, text: string) => {
    const content = Buffer.from(text);
    add(path, { type, content, compressed: compressedText(content), maxAge: 0 });
  };
  addText('/openapi.json', 'application/json', JSON.stringify(document));
  addText('/swagger', 'text/html', PAGE);
  addText('/swagger/initializer.js', 'text/javascript', INITIALIZER);
  for (const [name, type] of Object.entries(ASSETS)) {
    add(`/swagger/${name}`, {
      type,
      content: readFileSync(join(ASSET_FOLDER, name)),
      compressed: compressedAsset(name),
      maxAge: ASSET_MAX_AGE,
    });
  }
  for (const path of [...(isFirstPage ? ['/'] : []), ...ENTRANCES]) {
    router.get(path, (context: Context) => {
      context.state.route = path;
      limitByAddress(context, addresses);
      context.redirect('/swagger');
    });
  }
}
