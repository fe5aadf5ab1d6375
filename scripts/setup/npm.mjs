import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const CI = 'npm ci --ignore-scripts --include=dev --include=optional --no-audit --no-fund';
const ADVICE = 'Check that this machine reaches the npm registry, then start again.';

function isForThisMachine({ os, cpu, libc = ['glibc'] }) {
  return os?.includes(process.platform) && cpu?.includes(process.arch) && libc.includes('glibc');
}

export function isInstalled(source, target = source) {
  const record = join(target, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const read = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
  const held = read(record);
  const { '': _, ...wanted } = read(join(source, 'package-lock.json'));
  return Object.entries(wanted).every(([path, entry]) => {
    const there = held[path];
    if (!there) return Boolean(entry.optional || entry.devOptional) && !isForThisMachine(entry);
    return there.version === entry.version && there.integrity === entry.integrity;
  });
}

/** @returns {import('./set-up.mjs').Step} */
export function npmPackages(root) {
  return {
    name: 'npm packages',
    isDone: () => isInstalled(root),
    run: (run) => run(CI, ADVICE),
  };
}

/**
 * The generator of the dashboard's API types needs an older TypeScript than the project's.
 * @returns {import('./set-up.mjs').Step}
 */
export function webTools(root) {
  return {
    name: 'tools of the dashboard',
    isDone: () => isInstalled(join(root, 'web/tools'), join(root, 'build/web-tools')),
    async run(run) {
      await run('mkdir -p build/web-tools');
      await run('cp web/tools/package.json web/tools/package-lock.json build/web-tools');
      await run(`${CI} --prefix build/web-tools`, ADVICE);
    },
  };
}

/** @returns {import('./set-up.mjs').Step} */
export function clientGenerators(root) {
  return {
    name: 'client generators',
    isDone: () => isInstalled(join(root, 'test/clients'), join(root, 'build/clients')),
    async run(run) {
      await run('mkdir -p build/clients');
      await run('cp test/clients/package.json test/clients/package-lock.json build/clients');
      await run(`${CI} --prefix build/clients`, ADVICE);
    },
  };
}
