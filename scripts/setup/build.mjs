/** Compiles TypeScript and C++. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { missingFormatLibraries } from './debian-packages.mjs';

function filesUnder(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesUnder(join(path, name)));
}

/**
 * SHA-256 (hex) of files and folders, which may be missing: their names below `root`, their contents, and `facts`.
 * @param except files that do not count
 */
export function hashOf(root, paths, facts = [], except = []) {
  const hash = createHash('sha256').update(JSON.stringify([paths, facts]));
  for (const file of paths.flatMap((path) => filesUnder(join(root, path)).sort())) {
    if (except.includes(relative(root, file))) continue;
    const content = readFileSync(file);
    hash.update(`\n${file.slice(root.length)} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

const record = (folder) => join(folder, 'sources.sha256');

export function isMadeFrom(folder, hash) {
  return existsSync(record(folder)) && readFileSync(record(folder), 'utf8') === hash;
}

export function recordSources(folder, hash) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(record(folder), hash);
}

const TYPESCRIPT = ['tsconfig.json', 'package-lock.json', 'src', 'test', 'testing', 'tools', 'bench'];

/** @returns {import('./set-up.mjs').Step} */
export function typescript(root) {
  return {
    name: 'TypeScript',
    isDone: () => isMadeFrom(join(root, 'dist'), hashOf(root, TYPESCRIPT)),
    async run(run) {
      const hash = hashOf(root, TYPESCRIPT);
      await run('rm -rf dist.new');
      await run('npx tsc --outDir dist.new', 'Correct the errors above, then start again.');
      await run('node scripts/compress-assets.mjs dist.new');
      recordSources(join(root, 'dist.new'), hash);
      await run('rm -rf dist');
      await run('mv dist.new dist');
    },
  };
}

const DASHBOARD = ['web', 'docs/openapi.json', 'package-lock.json', 'scripts/build-web.mjs'];
const GENERATED = ['web/src/api/schema.d.ts'];

/** @returns {import('./set-up.mjs').Step} */
export function dashboard(root) {
  const sources = () => hashOf(root, DASHBOARD, [], GENERATED);
  return {
    name: 'dashboard',
    isDone: () =>
      isMadeFrom(join(root, 'dist-web'), sources()) &&
      GENERATED.every((file) => existsSync(join(root, file))),
    async run(run) {
      const hash = sources();
      await run('rm -rf dist-web.new');
      await run('node scripts/build-web.mjs dist-web.new', 'Correct the errors above, then start again.');
      recordSources(join(root, 'dist-web.new'), hash);
      await run('rm -rf dist-web');
      await run('mv dist-web.new dist-web');
    },
  };
}

/** One compiler per core, each with 1 GiB of memory. */
export function compileJobs(cores = availableParallelism(), memory = totalmem()) {
  return Math.max(1, Math.min(cores, Math.floor(memory / 2 ** 30)));
}

const NATIVE = ['CMakeLists.txt', 'package-lock.json', 'native', 'scripts/fetch-faiss.mjs'];

/**
 * `build/Release/visage.node`, and `visage_cuda.so` if it exists or `VISAGE_CUDA=1` requests it.
 * @returns {import('./set-up.mjs').Step}
 */
export function addon(root, { VISAGE_CUDA, ONNXRUNTIME_INCLUDE_DIR: headers } = process.env) {
  const build = join(root, 'build');
  const isBuilt = (name) => existsSync(join(build, 'Release', name));
  const sources = () =>
    hashOf(root, NATIVE, [root, process.arch, headers ?? '', ...missingFormatLibraries()]);
  const isAsked = VISAGE_CUDA === '1';
  return {
    name: 'native addon',
    isDone: () =>
      isBuilt('visage.node') && (!isAsked || isBuilt('visage_cuda.so')) && isMadeFrom(build, sources()),
    async run(run) {
      const hash = sources();
      const needsCuda = isAsked || isBuilt('visage_cuda.so');
      if (needsCuda) {
        const advice = 'Add the bin/ of the CUDA toolkit to PATH, or remove build/Release/visage_cuda.so.';
        await run('nvcc --version', advice);
      }
      await run('rm -f build/CMakeCache.txt');
      const option = headers ? [`--CDONNXRUNTIME_INCLUDE_DIR=${headers}`] : [];
      await run(
        ['npx', 'cmake-js', 'build', '--parallel', `${compileJobs()}`, ...option],
        'If the compiler was killed, this machine has too little memory.',
      );
      if (needsCuda) await run('cmake --build build --target visage_cuda');
      recordSources(build, hash);
    },
  };
}
