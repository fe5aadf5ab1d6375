/** Shared libraries that a bare Debian does not have: which ones, and from which Debian packages. */
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';

/** Libraries of every Debian system, however small, and the packages that have them. */
const BASE = {
  'libc.so.6': 'libc6',
  'libdl.so.2': 'libc6',
  'libm.so.6': 'libc6',
  'libpthread.so.0': 'libc6',
  'librt.so.1': 'libc6',
  'ld-linux-x86-64.so.2': 'libc6',
  'ld-linux-aarch64.so.1': 'libc6',
  'libgcc_s.so.1': 'libgcc-s1',
  'libstdc++.so.6': 'libstdc++6',
  'libz.so.1': 'zlib1g',
};

const output = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' });

/** What an ELF file needs by itself, such as `libc.so.6`. */
export function neededBy(file) {
  return [...output('readelf', '-dW', file).matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name);
}

/** Where the dynamic linker of this machine finds everything that a file needs, directly or not. */
function locations(file) {
  const lines = [...output('ldd', file).matchAll(/^\s*(\S+) => (\S+) \(/gm)];
  return new Map(lines.map(([, name, path]) => [name, path]));
}

/**
 * Sorts what ELF files need into what Debian has anyway and what must be carried.
 * @param {string[]} files the program, the addon, prebuilt addons
 * @returns {{ base: Set<string>, carried: Map<string, string> }} names of Debian packages; names of libraries and the
 *   files that they are
 * @throws Error naming a library that this machine does not have either
 */
export function librariesOf(files) {
  const base = new Set();
  const carried = new Map();
  const visit = (file, where) => {
    for (const name of neededBy(file)) {
      if (name in BASE) base.add(BASE[name]);
      else if (!carried.has(name)) {
        const path = where.get(name);
        if (!path) throw new Error(`${file} needs ${name}, which is not here.`);
        carried.set(name, realpathSync(path));
        visit(path, where);
      }
    }
  };
  for (const file of files) visit(file, locations(file));
  return { base, carried };
}

/** The Debian package that a file of this machine belongs to, without its architecture; null where there is none. */
export function debianPackageOf(file) {
  // dpkg knows a merged /usr by the path that the package was made with.
  for (const path of [file, file.replace(/^\/usr/, '')]) {
    try {
      return output('dpkg-query', '-S', path).split(':')[0];
    } catch {}
  }
  return null;
}

/** The version of an installed Debian package without Debian's own revision, for `Depends`. */
export function upstreamVersionOf(name) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholder
  return output('dpkg-query', '-W', '-f', '${Version}\n', name)
    .split('\n')[0]
    .replace(/-[^-]*$/, '');
}
