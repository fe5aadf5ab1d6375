/**
 * Checks which way imports and includes go against the tables of `docs/architecture.md`.
 *
 * `node scripts/check-layers.mjs [folder]`: the folder holds `src/` and `native/`; the project's own by default.
 * Prints each line that goes a forbidden way, and ends with code 1 if there was one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const TOOLS = ['ops', 'config', 'native', 'base', 'errors'];
const ACCESS = [
  'access/gate',
  'access/keys',
  'access/members',
  'access/tokens',
  'access/audit',
  'access/billing',
];

const BELOW_CLI = [
  ...['http', 'recognition', 'appliance', 'events', ...ACCESS, 'access', 'gallery', 'vision', 'store', 'api'],
  ...TOOLS,
];

const below = (index) => [...ACCESS.slice(index + 1), 'access', 'store', 'api', ...TOOLS];

const ROOMS = new Map([
  ['main', ['*']],
  ['service', BELOW_CLI],
  ['cli', BELOW_CLI],
  ['http', [...ACCESS, 'access', 'api', ...TOOLS]],
  ['recognition', ['events', 'gallery', 'vision', 'store', 'api', ...TOOLS]],
  ['appliance', ['gallery', 'vision', 'store', 'api', ...TOOLS]],
  ...ACCESS.map((room, index) => [room, below(index)]),
  ['access', ['store', 'api', ...TOOLS]],
  ['events', ['store', 'api', ...TOOLS]],
  ['gallery', ['store', ...TOOLS]],
  ['vision', TOOLS],
  ['store', ['api', ...TOOLS]],
  ['api', TOOLS],
  ...TOOLS.map((room, index) => [room, TOOLS.slice(index + 1)]),
]);

const STAGES = ['decode', 'detect', 'align', 'embed', 'pose', 'quality', 'liveness', 'thumbnail'];
const NATIVE = {
  addon: ['pipeline', 'search', ...STAGES, 'runtime', 'base'],
  pipeline: [...STAGES, 'runtime', 'base'],
  search: ['runtime', 'base'],
  ...Object.fromEntries(STAGES.map((stage) => [stage, ['runtime', 'base']])),
  runtime: ['base'],
  cuda: ['base'],
  base: [],
};

const OWNED_HEADERS = [
  { header: /^(napi|node_api|js_native_api|uv)[^/]*\.h$/, owners: ['addon'], what: "Node's headers" },
  { header: /onnxruntime/, owners: ['runtime'], what: 'ONNX Runtime' },
  { header: /^cuda_runtime/, owners: ['cuda'], what: "CUDA's runtime" },
  { header: /^faiss\//, owners: ['cuda', 'search/fast_scan.cc'], what: 'FAISS' },
];

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.[^'"]*)\1/g;
const INCLUDE = /^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)/gm;

function sources(folder, pattern) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => pattern.test(name))
    .sort();
}

function* matches(text, pattern) {
  for (const match of text.matchAll(pattern)) {
    const lineStart = text.lastIndexOf('\n', match.index) + 1;
    if (/^\s*(\/\/|\*|\/\*)/.test(text.slice(lineStart))) continue;
    yield { match, line: text.slice(0, match.index).split('\n').length };
  }
}

const partOf = (module) => module.split('/')[0].replace(/\.(ts|mts|js)$/, '');

function roomOf(module) {
  const [folder, next, ...rest] = module.split('/');
  return folder === 'access' && rest.length > 0 ? `${folder}/${next}` : partOf(module);
}

function* brokenOrder() {
  const order = [...ROOMS.keys()];
  for (const [room, allowed] of ROOMS) {
    for (const other of allowed) {
      if (other !== '*' && order.indexOf(other) <= order.indexOf(room)) yield `${room} is below ${other}`;
    }
  }
}

function* circles(graph) {
  const done = new Set();
  const path = [];
  function* visit(module) {
    if (done.has(module)) return;
    const start = path.indexOf(module);
    if (start >= 0) {
      yield `src/${module}:1: circle of imports: ${[...path.slice(start), module].join(' -> ')}`;
      return;
    }
    path.push(module);
    for (const next of graph.get(module) ?? []) yield* visit(next);
    path.pop();
    done.add(module);
  }
  for (const module of graph.keys()) yield* visit(module);
}

function* brokenImports(root) {
  const folder = join(root, 'src');
  const graph = new Map();
  for (const name of sources(folder, /\.m?ts$/)) {
    const from = roomOf(name);
    const at = (line, what) => `src/${name}:${line}: ${what}`;
    if (!ROOMS.has(from)) {
      yield at(1, `docs/architecture.md does not say what ${from} may import`);
      continue;
    }
    const imports = new Set();
    graph.set(name.replace(/\.m?ts$/, ''), imports);
    for (const { match, line } of matches(readFileSync(join(folder, name), 'utf8'), IMPORT)) {
      const target = normalize(join(dirname(name), match[2])).replace(/\.m?[tj]s$/, '');
      if (target === '../package.json') continue;
      if (target.startsWith('..')) {
        yield at(line, `${from} imports ${match[2]}, which is outside src/`);
        continue;
      }
      imports.add(target);
      const allowed = [from, ...ROOMS.get(from)];
      if (!allowed.includes('*') && !allowed.includes(roomOf(target))) {
        yield at(line, `${from} may not import ${target}`);
      }
    }
  }
  yield* circles(graph);
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
      else if (owned && !owned.owners.some((owner) => owner === from || owner === name)) {
        yield at(line, `only ${owned.owners.join(' and ')} may include ${owned.what}`);
      } else if (from === 'base' && /[./]/.test(header) && header !== 'immintrin.h') {
        yield at(line, `base includes nothing but what the compiler brings, not ${header}`);
      }
    }
  }
}

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));
const broken = [...brokenOrder(), ...brokenImports(root), ...brokenIncludes(root)];
for (const line of broken) console.log(line);
console.log(`layers: ${broken.length === 0 ? 'every import goes the right way' : `${broken.length} wrong`}`);
process.exitCode = broken.length === 0 ? 0 : 1;
