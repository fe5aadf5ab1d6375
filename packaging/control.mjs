/** The control part of the package: fields, conffiles, checksums, maintainer scripts, and Debian's changelog. */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { upstreamVersionOf } from './libraries.mjs';
import { filesOf } from './node-modules.mjs';

const FILES = new URL('files/', import.meta.url);
const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm'];
export const MAINTAINER = 'The Visage founders <visage@example.org>';

/**
 * @typedef {object} Release
 * @property {string} version Debian's version of the package
 * @property {string} arch Debian's name of the architecture
 * @property {number} schema of the store that this version writes
 * @property {number} epoch seconds since 1970 of the commit
 */

/** What dpkg shows of the package. @param {Set<string>} base Debian packages that it needs */
function controlText(tree, { version, arch, schema }, base) {
  const needed = [...base].map((name) => `${name} (>= ${upstreamVersionOf(name)})`);
  return `Package: visage
Version: ${version}
Architecture: ${arch}
Maintainer: ${MAINTAINER}
Installed-Size: ${installedSize(tree)}
Depends: ${[...needed, 'passwd'].sort().join(', ')}
Provides: visage-schema (= ${schema})
Section: net
Priority: optional
Description: face recognition appliance
 A photograph in over REST, the person's face id out: collections of faces,
 search, verification, accounts, API keys and an audit log. Everything runs on
 this machine, and nothing leaves it.
 .
 The package carries the Node.js that it runs on and every library that a bare
 Debian system does not have.
`;
}

/** KiB, each file and folder rounded up, as Debian counts. */
function installedSize(tree) {
  const entries = readdirSync(tree, { recursive: true }).map((path) => lstatSync(join(tree, path)));
  return entries.reduce((sum, entry) => sum + (entry.isFile() ? Math.ceil(entry.size / 1024) : 1), 0);
}

/** Units that are enabled on installation: those that say how, in an [Install] section. */
function unitsToEnable(tree) {
  const folder = join(tree, 'usr/lib/systemd/system');
  return filesOf(folder).filter((name) => /^\[Install\]/m.test(readFileSync(join(folder, name), 'utf8')));
}

function fill(script, values) {
  return script.replaceAll(/@([A-Z]+)@/g, (_, name) => values[name]);
}

/**
 * Writes `DEBIAN/` into a tree.
 * @param {string} tree
 * @param {Release} release
 * @param {{ base: Set<string>, weights: string[], carried: boolean }} contents `weights` are absolute paths on the
 *   target; `carried` says whether they are in the package
 */
export function writeControl(tree, release, { base, weights, carried }) {
  const units = unitsToEnable(tree);
  const isService = (unit) => unit.endsWith('.service');
  const values = {
    VERSION: release.version,
    SCHEMA: String(release.schema),
    UNITS: units.join(' '),
    LISTENERS: units.filter((unit) => !isService(unit)).join(' '),
    SERVICES: units.filter(isService).join(' '),
    WEIGHTS: weights.join(' '),
    FETCHED: carried ? '' : weights.join(' '),
  };
  const files = filesOf(tree);
  const sums = files
    .filter((file) => !file.startsWith('etc/'))
    .map((file) => `${md5(join(tree, file))}  ${file}\n`);
  const conffiles = files.filter((file) => file.startsWith('etc/')).map((file) => `/${file}\n`);
  const control = controlText(tree, release, base);
  const folder = join(tree, 'DEBIAN');
  mkdirSync(folder);
  writeFileSync(join(folder, 'control'), control);
  writeFileSync(join(folder, 'conffiles'), conffiles.join(''));
  writeFileSync(join(folder, 'md5sums'), sums.join(''));
  for (const name of SCRIPTS) {
    writeFileSync(join(folder, name), fill(readFileSync(new URL(name, FILES), 'utf8'), values));
    chmodSync(join(folder, name), 0o755);
  }
}

/** dpkg checks installed files against these sums (`dpkg --verify`); they guard against accident, not against malice. */
function md5(file) {
  return createHash('md5').update(readFileSync(file)).digest('hex');
}

/** The newest section of CHANGELOG.md in the form of Debian's changelog. */
export function debianChangelog(changelog, { version, epoch }) {
  const newest = changelog.split(/^## /m).find((section) => /^- /m.test(section)) ?? '';
  const items = [...newest.matchAll(/^- (.+(?:\n {2}.+)*)/gm)].map(
    ([, text]) => `  * ${text.replaceAll(/\n\s*/g, '\n    ')}`,
  );
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
  return `visage (${version}) unstable; urgency=medium\n\n${items.join('\n')}\n\n -- ${MAINTAINER}  ${date}\n`;
}
