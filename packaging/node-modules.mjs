/** The production packages of npm, as far as the service uses them. */
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join, relative, sep } from 'node:path';

/** Packages of which only these files are used, and nothing that they depend on. */
const ONLY = {
  // Headers, and compiled in.
  'node-addon-api': [],
  // Its library is carried in lib/, which is all that the addon needs.
  'onnxruntime-node': [],
  'swagger-ui-dist': ['package.json', 'swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'],
};

/** What Node loads, or a package reads while it runs. */
const EXTENSIONS = ['.js', '.cjs', '.mjs', '.json', '.node'];

/** Folders at a package's top that are for its own developers. */
const FOLDERS = [
  '.github',
  'benchmark',
  'bin',
  'tools',
  'benchmarks',
  'docs',
  'example',
  'examples',
  'test',
  'tests',
];

/**
 * Every package that the service needs on this kind of machine, by the lock file.
 * @param {string} root
 * @returns {string[]} paths such as `node_modules/koa`, sorted
 * @throws Error if one that is needed is not installed
 */
export function productionPackages(root) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const found = new Set();
  const visit = (from) => {
    const { dependencies, optionalDependencies } = packages[from];
    const optional = optionalDependencies ?? {};
    for (const name of Object.keys({ ...dependencies, ...optional })) {
      const path = resolvePackage(packages, from, name);
      const installed = path !== undefined && existsSync(join(root, path));
      if (!installed && !(name in optional))
        throw new Error(`${from || 'Visage'} needs ${name}: run npm ci.`);
      if (!installed || found.has(path)) continue;
      found.add(path);
      if (!(name in ONLY)) visit(path);
    }
  };
  visit('');
  return [...found].sort();
}

/** Node's own way: the package's own `node_modules`, then those of the folders above it. */
function resolvePackage(packages, from, name) {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name);
    if (path in packages) return path;
    if (folder === '' || folder === '.') return undefined;
  }
}

function isUsed(path, abi) {
  const parts = path.split(sep);
  if (parts.includes('node_modules') || FOLDERS.includes(parts[0])) return false;
  const file = parts.at(-1);
  if (!EXTENSIONS.includes(extname(file))) return false;
  if (file.startsWith('.') || file === 'tsconfig.json' || file.startsWith('rollup.config')) return false;
  // Prebuilt binaries: those of this C library and of this Node.
  const [, built] = /\.abi(\d+)\./.exec(file) ?? [];
  return !file.includes('.musl.') && (built === undefined || built === abi);
}

/**
 * Copies what is used of the production packages.
 * @param {string} root the clone
 * @param {string} target folder that gets `node_modules/`
 * @param {string} abi of the Node that will run it, `process.versions.modules`
 */
export function copyNodeModules(root, target, abi) {
  for (const path of productionPackages(root)) {
    const source = join(root, path);
    const only = ONLY[path.slice('node_modules/'.length)];
    const files = only ?? filesOf(source).filter((file) => isUsed(file, abi));
    for (const file of files) cpSync(join(source, file), join(target, path, file));
  }
}

/** Paths of every file in a folder, relative to it, sorted. */
export function filesOf(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((path) => statSync(join(folder, path)).isFile())
    .map((path) => relative('.', path))
    .sort();
}
