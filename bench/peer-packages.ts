/** npm packages of the peers have a separate lock file, outside the product's tree. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ROOT } from '../testing/service.ts';

const MANIFESTS = join(ROOT, 'bench/peers');
const FOLDER = join(ROOT, 'build/peers');
const MANIFEST_FILES = ['package.json', 'package-lock.json'] as const;

export function peerRequire(): NodeJS.Require {
  const wanted = readFileSync(join(MANIFESTS, 'package-lock.json'), 'utf8');
  const mark = join(FOLDER, 'installed');
  if (!existsSync(mark) || readFileSync(mark, 'utf8') !== wanted) {
    mkdirSync(FOLDER, { recursive: true });
    for (const file of MANIFEST_FILES) copyFileSync(join(MANIFESTS, file), join(FOLDER, file));
    npm('ci', '--ignore-scripts');
    npm('rebuild', 'hnswlib-node');
    writeFileSync(mark, wanted);
  }
  return createRequire(join(FOLDER, 'package.json'));
}

export function faissProgram(): string {
  const { status } = spawnSync(process.execPath, [join(MANIFESTS, 'faiss.mjs')], {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error('bench/peers/faiss.mjs failed');
  return join(FOLDER, 'faiss/faiss_graph');
}

export function packageFolder(require: NodeJS.Require, name: string): string {
  const folder = require.resolve.paths(name)?.find((path) => existsSync(join(path, name)));
  if (!folder) throw new Error(`${name} is not installed`);
  return join(folder, name);
}

export function versionOf(require: NodeJS.Require, name: string): string {
  const manifest = readFileSync(join(packageFolder(require, name), 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

function npm(...args: string[]): void {
  const headers = join(dirname(process.execPath), '..');
  const { status } = spawnSync('npm', [...args, '--no-audit', '--no-fund'], {
    cwd: FOLDER,
    stdio: ['ignore', 2, 2],
    env: {
      ...process.env,
      CXXFLAGS: '-O3 -march=native',
      ...(existsSync(join(headers, 'include/node/node.h')) ? { npm_config_nodedir: headers } : {}),
    },
  });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed in ${FOLDER}`);
}
