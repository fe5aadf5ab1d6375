/** A second project beside the first: what faults are planted in is its own, everything else is linked. */
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const OWN = ['dist', 'bin', 'scripts'];
const NATIVE = ['native', 'CMakeLists.txt'];
const LEFT_OUT = new Set(['.git', 'data']);

/**
 * @param {string} root the project
 * @param {string} folder where the mirror will be; removed first
 * @param {{ native?: boolean }} options whether the C++ sources and what is built of them are its own too
 */
export function makeMirror(root, folder, { native = false } = {}) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const own = new Set([...OWN, ...(native ? NATIVE : [])]);
  for (const name of readdirSync(root)) {
    if (LEFT_OUT.has(name) || name.startsWith('dist.')) continue;
    if (native && name === 'build') continue;
    if (own.has(name)) cpSync(join(root, name), join(folder, name), { recursive: true });
    else symlinkSync(join(root, name), join(folder, name));
  }
}
