/**
 * Builds `visage_<version>_<arch>.deb`: the same bytes from the same commit, tools and libraries. Its SHA-256 lies beside it
 * in the form of sha256sum(1), for install.sh.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { makeTree } from './tree.mjs';

/** Debian's names of the architectures that Node knows. */
export const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

/** Name of a package's file. */
export const fileName = ({ version, arch, offline }) =>
  `visage${offline ? '-offline' : ''}_${version}_${arch}.deb`;

/** Seconds since 1970 of what is built: `SOURCE_DATE_EPOCH`, or the commit's time. */
export function sourceEpoch(root) {
  const { SOURCE_DATE_EPOCH: set } = process.env;
  return Number(set ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }));
}

/**
 * Builds the package of a clone that was set up.
 * @param {string} root the clone
 * @param {string} out folder that gets the file
 * @param {import('./control.mjs').Release & { offline: boolean, compression: 'xz' | 'none' }} release
 * @returns {{ file: string, bytes: number, sha256: string }}
 */
export function buildPackage(root, out, release) {
  mkdirSync(out, { recursive: true });
  const work = mkdtempSync(join(out, '.tree-'));
  const file = join(out, fileName(release));
  try {
    const tree = join(work, 'tree');
    const made = join(work, 'made.deb');
    makeTree(root, tree, release);
    execFileSync('dpkg-deb', ['--root-owner-group', `-Z${release.compression}`, '--build', tree, made], {
      // More than one thread would cut the data into other blocks.
      env: { ...process.env, SOURCE_DATE_EPOCH: String(release.epoch), DPKG_DEB_THREADS_MAX: '1' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    rmSync(`${file}.sha256`, { force: true });
    renameSync(made, file);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const content = readFileSync(file);
  const sha256 = createHash('sha256').update(content).digest('hex');
  writeFileSync(`${file}.sha256`, `${sha256}  ${basename(file)}\n`);
  return { file, bytes: content.length, sha256 };
}
