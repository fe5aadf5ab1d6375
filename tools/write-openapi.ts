/** `npm run openapi`: writes `docs/openapi.json` from the route table. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openApiDocument } from '../src/http/openapi.ts';
import { Health } from '../src/ops/health.ts';
import { routeTable } from '../src/service/app.ts';

/** The committed document, seen from `dist/test/http/`. */
export const DOCUMENT_FILE = new URL('../../docs/openapi.json', import.meta.url);

export function documentText(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  // The table is only read: no handler runs, so the parts that handlers would work with are not made.
  const parts = { health: new Health(), identity: {}, access: {} } as Parameters<typeof routeTable>[0];
  return `${JSON.stringify(openApiDocument(routeTable(parts), version), null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(DOCUMENT_FILE, documentText());
