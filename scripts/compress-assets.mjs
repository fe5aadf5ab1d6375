/**
 * `node scripts/compress-assets.mjs [DIST]`: compresses Swagger UI into `src/http/static/` of `DIST` or `dist`. The service
 * also runs without.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { ROOT } from './setup/run.mjs';

/** The best quality, 11, saves another 8 % and takes seconds with each compilation. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };

const folder = join(ROOT, process.argv[2] ?? 'dist', 'src/http/static');
mkdirSync(folder, { recursive: true });
for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
  const content = readFileSync(join(ROOT, 'node_modules/swagger-ui-dist', name));
  writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
  writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content, BROTLI));
}
