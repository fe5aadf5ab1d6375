import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type Router from '@koa/router';
import type { AddressLimits } from '../access/gate/address-limits.ts';
import { VisageError } from '../errors.ts';
import { type Context, limitByAddress, type RequestState } from './koa-app.ts';
import { addStaticFile, answerStaticFile, type PreparedFile, prepareStaticFile } from './static-files.ts';

const FOLDER = fileURLToPath(new URL('../../../dist-web/', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
const SUFFIXES = { br: '.br', gzip: '.gz' } as const;

/** As in `web/src/screens/screens.ts`; `join` accepts invitations. */
const SCREENS = [
  'live',
  'people',
  'try-it',
  'collections',
  'api-keys',
  'members',
  'audit',
  'system',
  'billing',
  'join',
] as const;

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "font-src 'self'",
  "media-src 'self' blob:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const PAGE_HEADERS = {
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(self), microphone=(), geolocation=(), payment=(), usb=()',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
};
const ASSET_HEADERS = { 'Cross-Origin-Resource-Policy': 'same-origin' };

function fileOf(
  folder: string,
  name: string,
  rest: { immutable?: boolean; headers: Record<string, string> },
) {
  const path = join(folder, name);
  const compressed = Object.fromEntries(
    Object.entries(SUFFIXES)
      .filter(([, suffix]) => existsSync(path + suffix))
      .map(([encoding, suffix]) => [encoding, readFileSync(path + suffix)]),
  );
  const type = TYPES[extname(name)] ?? 'application/octet-stream';
  return { type, content: readFileSync(path), compressed, maxAge: 0, ...rest };
}

export function hasWebFiles(folder = FOLDER): boolean {
  return existsSync(join(folder, 'index.html'));
}

export function addWebFiles(router: Router<RequestState>, addresses?: AddressLimits, folder = FOLDER): void {
  const index = fileOf(folder, 'index.html', { headers: PAGE_HEADERS });
  for (const path of ['/', ...SCREENS.map((screen) => `/${screen}{/*rest}`)]) {
    addStaticFile(router, path, index, addresses);
  }
  addStaticFile(router, '/favicon.svg', fileOf(folder, 'favicon.svg', { headers: ASSET_HEADERS }), addresses);

  const assets = new Map<string, PreparedFile>();
  for (const name of readdirSync(join(folder, 'assets'))) {
    if (!(extname(name) in TYPES)) continue;
    const file = fileOf(folder, join('assets', name), { immutable: true, headers: ASSET_HEADERS });
    assets.set(name, prepareStaticFile(file));
  }
  router.get('/assets/:name', (context: Context) => {
    context.state.route = '/assets/:name';
    limitByAddress(context, addresses);
    const asset = assets.get(String((context as unknown as { params: { name: string } }).params.name));
    if (!asset) throw new VisageError('NOT_FOUND', 'The dashboard has no such file. Load the page again.');
    answerStaticFile(context, asset);
  });
}
