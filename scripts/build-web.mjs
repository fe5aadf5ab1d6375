/**
 * `node scripts/build-web.mjs [folder]`: builds the dashboard into `dist-web/` by default: types of the API, the pages, and
 * their compressed copies.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const GENERATOR = 'build/web-tools/node_modules/openapi-typescript/bin/cli.js';
const COMPRESSIBLE = ['.js', '.css', '.html', '.svg'];

const out = resolve(process.argv[2] ?? join(ROOT, 'dist-web'));

function run(...args) {
  const { status } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(join(ROOT, GENERATOR))) {
  console.error('build/web-tools is missing: run `npm run setup`.');
  process.exit(1);
}
run(GENERATOR, 'docs/openapi.json', '--output', 'web/src/api/schema.d.ts');
if (process.argv.includes('--types')) process.exit();
run('node_modules/vite/bin/vite.js', 'build', 'web', '--outDir', out, '--logLevel', 'error');

for (const name of readdirSync(out, { recursive: true })) {
  if (!COMPRESSIBLE.includes(extname(name))) continue;
  const content = readFileSync(join(out, name));
  const compressed = {
    br: brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }),
    gz: gzipSync(content, { level: 9 }),
  };
  for (const [suffix, bytes] of Object.entries(compressed)) {
    if (bytes.length < content.length) writeFileSync(join(out, `${name}.${suffix}`), bytes);
  }
}
