/**
 * Checks which way imports and includes go against the tables of `docs/architecture.md`.
 *
 * `node scripts/check-layers.mjs [folder]`: the folder holds `src/` and `native/`; the project's own by default.
 * Prints each line that goes a forbidden way, and ends with code 1 if there was one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const LEAVES = ['errors', 'native', 'config', 'ops'];

/** What a table of routes is written with. */
const TABLES = ['http/route', 'http/schema', 'http/paging'];

/** What each part of `src/` may import, besides itself: a folder, or one module of it. */
const SRC = {
  main: ['*'],
  app: ['access', 'recognition', 'http', 'vision', 'vector', 'store', ...LEAVES],
  cli: ['access', 'recognition', 'http', 'vision', 'vector', 'store', ...LEAVES],
  recognition: ['access/caller', 'http/problem', ...TABLES, 'vision', 'vector', 'store', ...LEAVES],
  access: [...TABLES, 'http/validation', 'store', ...LEAVES],
  http: ['access', ...LEAVES],
  vision: LEAVES,
  vector: LEAVES,
  store: LEAVES,
  errors: LEAVES,
  native: LEAVES,
  config: LEAVES,
  ops: LEAVES,
};

/** What each folder of `native/` may include, besides itself. */
const STAGES = ['decode', 'detect', 'align', 'embed', 'pose', 'quality', 'liveness'];
const NATIVE = {
  addon: ['pipeline', 'search', ...STAGES, 'runtime', 'base'],
  pipeline: [...STAGES, 'runtime', 'base'],
  search: ['runtime', 'base'],
  ...Object.fromEntries(STAGES.map((stage) => [stage, ['runtime', 'base']])),
  runtime: ['base'],
  cuda: ['base'],
  base: [],
};

/** Third-party headers, and the only folder that may name them. */
const OWNED_HEADERS = [
  { header: /^(napi|node_api|js_native_api|uv)[^/]*\.h$/, owner: 'addon', what: "Node's headers" },
  { header: /onnxruntime/, owner: 'runtime', what: 'ONNX Runtime' },
  { header: /^cuda_runtime/, owner: 'cuda', what: "CUDA's runtime" },
  { header: /^faiss\//, owner: 'cuda', what: 'FAISS' },
];

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.[^'"]*)\1/g;
const INCLUDE = /^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)/gm;

function sources(folder, pattern) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => pattern.test(name))
    .sort();
}

/** Every match of a pattern with the number of its line, comments of the whole line left out. */
function* matches(text, pattern) {
  for (const match of text.matchAll(pattern)) {
    const lineStart = text.lastIndexOf('\n', match.index) + 1;
    if (/^\s*(\/\/|\*|\/\*)/.test(text.slice(lineStart))) continue;
    yield { match, line: text.slice(0, match.index).split('\n').length };
  }
}

const partOf = (module) => module.split('/')[0].replace(/\.(ts|mts|js)$/, '');

function* brokenImports(root) {
  const folder = join(root, 'src');
  for (const name of sources(folder, /\.m?ts$/)) {
    const from = partOf(name);
    const at = (line, what) => `src/${name}:${line}: ${what}`;
    if (!(from in SRC)) {
      yield at(1, `docs/architecture.md does not say what ${from} may import`);
      continue;
    }
    for (const { match, line } of matches(readFileSync(join(folder, name), 'utf8'), IMPORT)) {
      const target = normalize(join(dirname(name), match[2])).replace(/\.m?[tj]s$/, '');
      if (target === '../package.json') continue;
      if (target.startsWith('..')) {
        yield at(line, `${from} imports ${match[2]}, which is outside src/`);
        continue;
      }
      const to = partOf(target);
      const allowed = [from, ...SRC[from]];
      const fine = allowed.includes('*') || allowed.includes(to) || allowed.includes(target);
      if (!fine) yield at(line, `${from} may not import ${target}`);
    }
  }
}

function* brokenIncludes(root) {
  const folder = join(root, 'native');
  for (const name of sources(folder, /\.(h|cc|cu)$/)) {
    const from = partOf(name);
    const at = (line, what) => `native/${name}:${line}: ${what}`;
    if (!(from in NATIVE)) {
      yield at(1, `docs/architecture.md does not say what ${from} may include`);
      continue;
    }
    for (const { match, line } of matches(readFileSync(join(folder, name), 'utf8'), INCLUDE)) {
      const [, own, foreign] = match;
      const header = own ?? foreign;
      if (own && existsSync(join(folder, own))) {
        const to = partOf(own);
        if (![from, ...NATIVE[from]].includes(to)) yield at(line, `${from} may not include ${own}`);
        continue;
      }
      const owned = OWNED_HEADERS.find((rule) => rule.header.test(header));
      if (own && !owned) yield at(line, `there is no native/${own}; paths are relative to native/`);
      else if (owned && owned.owner !== from) yield at(line, `only ${owned.owner} may include ${owned.what}`);
      else if (from === 'base' && /[./]/.test(header) && header !== 'immintrin.h') {
        yield at(line, `base includes nothing but what the compiler brings, not ${header}`);
      }
    }
  }
}

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));
const broken = [...brokenImports(root), ...brokenIncludes(root)];
for (const line of broken) console.log(line);
console.log(`layers: ${broken.length === 0 ? 'every import goes the right way' : `${broken.length} wrong`}`);
process.exitCode = broken.length === 0 ? 0 : 1;
