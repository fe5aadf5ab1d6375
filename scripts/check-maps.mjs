/**
 * Checks the maps of folders: a README.md with tables `| file | does |` that name each source file once, and
 * no missing file. A header and its sources of one name may share a row.
 *
 * `node scripts/check-maps.mjs [folder]`: the folder holds `src/` and `native/`; the project's own by
 * default. Prints each fault, and ends with code 1 if there is one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders with this many source files need a map, and each room of `src/access/`. */
const MANY = 10;
const ROOM = /^src\/access\/[^/]+$/;
const SOURCE = /\.(ts|cc|h|cu)$/;

const HEADER = /^\| file +\| does +\|$/;
const ROW = /^\|([^|]+)\|[^|]*[^|\s][^|]*\|$/;
const RULE = /^\|[-|\s]+\|$/;

function* foldersIn(root, folder) {
  const entries = existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { withFileTypes: true })
    : [];
  if (entries.length > 0)
    yield { folder, files: entries.filter((one) => one.isFile()).map(({ name }) => name) };
  for (const one of entries) if (one.isDirectory()) yield* foldersIn(root, `${folder}/${one.name}`);
}

function rowsOf(text) {
  const rows = [];
  let hasTable = false;
  let isInTable = false;
  for (const line of text.split('\n')) {
    isInTable = HEADER.test(line) || (isInTable && line.startsWith('|'));
    hasTable ||= isInTable;
    const [, names] = (isInTable && !HEADER.test(line) && !RULE.test(line) && ROW.exec(line)) || [];
    if (names) rows.push([...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  }
  return hasTable ? rows : null;
}

const stemOf = (name) => name.replace(/\.[^.]*$/, '');

function* faultsOf(root, { folder, files }) {
  const sources = files.filter((name) => SOURCE.test(name)).sort();
  const isNeeded = sources.length >= MANY || (ROOM.test(folder) && sources.length > 0);
  const map = `${folder}/README.md`;
  const rows = files.includes('README.md') ? rowsOf(readFileSync(join(root, map), 'utf8')) : null;
  if (rows === null) {
    if (isNeeded)
      yield `${map}: expected a table "| file | does |" of ${sources.length} source files, found none`;
    return;
  }
  const named = rows.flat();
  for (const name of sources) {
    const times = named.filter((other) => other === name).length;
    if (times === 0) yield `${map}: ${name} is missing`;
    if (times > 1) yield `${map}: names ${name} ${times} times`;
  }
  for (const name of new Set(named)) {
    if (!existsSync(join(root, folder, name))) yield `${map}: names ${name}, which does not exist`;
  }
  for (const row of rows) {
    if (new Set(row.map(stemOf)).size > 1) yield `${map}: expected one row for each of ${row.join(', ')}`;
  }
}

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));
const faults = ['src', 'native'].flatMap((top) =>
  [...foldersIn(root, top)].flatMap((folder) => [...faultsOf(root, folder)]),
);
for (const fault of faults) console.log(fault);
console.log(
  `maps: ${faults.length === 0 ? 'every folder that needs a map has one' : `${faults.length} wrong`}`,
);
process.exitCode = faults.length === 0 ? 0 : 1;
