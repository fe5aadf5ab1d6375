import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './work.mjs';

const read = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;

/**
 * Whether `node_modules` holds what `package-lock.json` asks for, by the record that npm writes at the end of every
 * install: so a plain `npm install` counts too, and an interrupted one does not.
 */
export function isInstalled(root) {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const held = read(record);
  const wanted = Object.entries(read(join(root, 'package-lock.json'))).filter(([path]) => path !== '');
  return wanted.every(([path, { version, integrity, optional, devOptional }]) => {
    const there = held[path];
    if (!there) return optional || devOptional || false;
    return there.version === version && there.integrity === integrity;
  });
}

/** Files of packages that come without any install script, and which the service cannot do without. */
export function missingBinaries(root) {
  const platform = `${process.platform}-${process.arch}`;
  return [
    `node_modules/@lmdb/lmdb-${platform}/package.json`,
    `node_modules/@node-rs/argon2-${platform}-gnu/package.json`,
    `node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/libonnxruntime.so.1`,
  ].filter((file) => !existsSync(join(root, file)));
}

/** @throws SetupError if this Node is older than the build tools take (`engines` of `package.json`) */
export function demandNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 9) || (major === 20 && minor >= 17)) return;
  throw new SetupError(`Node ${version} is too old: Visage needs 20.17 or later, or 22.9 or later.`);
}

/** @returns {import('./set-up.mjs').Step} */
export function npmPackages(root) {
  return {
    name: 'npm packages',
    isDone: () => isInstalled(root) && missingBinaries(root).length === 0,
    async run({ run }) {
      demandNode();
      // No package's own script runs: all that is needed is in the packages as they are published. The development
      // packages are what builds, so they are wanted in production too.
      await run(
        'npm',
        ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'],
        {
          ifItFails: "Check that this machine reaches npm's registry, then start again.",
        },
      );
      const missing = missingBinaries(root);
      if (missing.length > 0) {
        throw new SetupError(
          `npm left out ${missing.join(' and ')}: there is no such binary for ${process.platform} ${process.arch}.`,
        );
      }
    },
  };
}
