/** The licences of everything that the package carries, as one text for /usr/share/doc/visage/copyright. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { debianPackageOf, upstreamVersionOf } from './libraries.mjs';
import { filesOf } from './node-modules.mjs';

/**
 * @typedef {object} Part Something that is carried.
 * @property {string} name
 * @property {string} licence short name, such as an SPDX expression
 * @property {string[]} texts
 */

const LICENCE_FILE = /^(licen[cs]e|copying|copyright|notice)|\.licen[cs]e\.txt$/i;
const APACHE = /Apache License\s+Version 2\.0, January 2004[\s\S]*?END OF TERMS AND CONDITIONS/g;
const RULE = '='.repeat(78);

const read = (...path) =>
  readFileSync(join(...path), 'utf8')
    .replaceAll('\r\n', '\n')
    .trim();

/** A package of npm with every licence text in it; packages inside it are parts of their own. */
export function npmPart(folder) {
  const { name, version, license } = JSON.parse(read(folder, 'package.json'));
  const texts = filesOf(folder)
    .filter((file) => LICENCE_FILE.test(basename(file)) && !file.includes('node_modules/'))
    .map((file) => read(folder, file));
  return { name: `${name} ${version}`, licence: license?.type ?? license, texts };
}

/** What Debian says of the package that a library is from. */
export function debianPart(library, file) {
  const name = debianPackageOf(file);
  if (!name) throw new Error(`${file} belongs to no Debian package, so its licence is not known.`);
  return {
    name: `${library}, of Debian's ${name} ${upstreamVersionOf(name)}`,
    licence: 'as Debian says below',
    texts: [read('/usr/share/doc', name, 'copyright')],
  };
}

/** Node.js, whose own file names everything that is compiled into it. */
export function nodePart(execPath = process.execPath) {
  const places = [join(dirname(execPath), '../LICENSE'), '/usr/share/doc/nodejs/LICENSE'];
  const file = places.find((place) => existsSync(place));
  if (!file) throw new Error(`The licence of Node.js is in none of ${places.join(', ')}.`);
  return { name: `Node.js ${process.versions.node}`, licence: 'MIT and others', texts: [read(file)] };
}

/**
 * @param {string} own the project's licence
 * @param {Part[]} parts
 */
export function copyrightText(own, parts) {
  const groups = new Map();
  for (const { name, licence, texts } of parts) {
    // Debian has this long text on every system.
    const text = texts
      .map((each) => each.replace(APACHE, 'Apache License 2.0: /usr/share/common-licenses/Apache-2.0'))
      .join('\n\n');
    const key = text === '' ? licence : createHash('sha256').update(text).digest('hex');
    const group = groups.get(key) ?? { names: [], text: text || `Licence: ${licence}` };
    group.names.push(`${name} (${licence})`);
    groups.set(key, group);
  }
  const sections = [...groups.values()].map(({ names, text }) => `${names.join('\n')}\n\n${text}`);
  return `${[
    `Visage\n\n${own}`,
    'What the package carries besides, each under its own licence:',
    ...sections,
  ].join(`\n\n${RULE}\n`)}\n`;
}
