/** Writes the manual pages and completions: `npm run manual`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../testing/service.ts';
import { manualFiles } from './manual-files.ts';

for (const [path, text] of Object.entries(await manualFiles())) {
  mkdirSync(dirname(join(ROOT, path)), { recursive: true });
  writeFileSync(join(ROOT, path), text);
}
