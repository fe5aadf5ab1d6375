/**
 * Finds dead exports: names that no other file imports, and files of `src/` that no file imports.
 *
 * `node scripts/check-exports.mjs [folder]`: the project's root by default. Prints each, and ends with code 1 if there was
 * one. A type that its own file uses may be exported without an importer: it names a part of another export.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDERS = ['src', 'tools', 'testing', 'bench', 'test', 'scripts', 'web/src'];
const ENTRIES = /^src\/(main|cli\/main|.*-worker|store\/store-process)\.ts$/;

const EXPORT = /^export (?:async )?(?:const|let|function\*?|(?:abstract )?class) (\w+)/gm;
const TYPE = /^export (?:type|interface) (\w+)/gm;
const NAMED = /^(?:import|export)\s+(?:type\s+)?(?:\w+,\s*)?\{([^}]*)\}\s*from\s*'(\.[^']+)'/gm;
const WHOLE =
  /(?:import\s+\*\s+as\s+\w+\s+from|export\s+\*\s+from|\bimport\(|^import|new URL\()\s*'(\.[^']+)'/gm;

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));
const files = FOLDERS.filter((folder) => existsSync(join(root, folder))).flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((name) => /\.(tsx?|mts|mjs)$/.test(name) && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name)),
);
const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));

const imported = new Map(files.map((file) => [file, new Set()]));

function targetOf(file, path) {
  const target = normalize(join(dirname(file), path)).replace(/^(\.\.\/|dist\/)+/, '');
  return imported.has(target) ? target : target.replace(/\.(m?)js$/, '.$1ts');
}

for (const [file, text] of texts) {
  for (const [, names, path] of text.matchAll(NAMED)) {
    const used = imported.get(targetOf(file, path));
    for (const name of names.split(','))
      used?.add(
        name
          .trim()
          .replace(/^type /, '')
          .split(/\s/)[0],
      );
  }
  for (const [, path] of text.matchAll(WHOLE)) imported.get(targetOf(file, path))?.add('*');
}

const dead = [];
for (const [file, used] of imported) {
  if (file.startsWith('src/') && used.size === 0 && !ENTRIES.test(file))
    dead.push(`${file}:1: no file imports it`);
  if (used.has('*') || file.startsWith('scripts/')) continue;
  const text = texts.get(file);
  const isInner = (name) => text.match(new RegExp(`\\b${name}\\b`, 'g')).length > 1;
  const exports = [
    ...text.matchAll(EXPORT),
    ...Array.from(text.matchAll(TYPE)).filter(([, name]) => !isInner(name)),
  ];
  for (const { 1: name, index } of exports) {
    const line = text.slice(0, index).split('\n').length;
    if (!used.has(name)) dead.push(`${file}:${line}: no other file imports ${name}`);
  }
}
for (const line of dead) console.log(line);
console.log(`exports: ${dead.length === 0 ? 'every one is imported' : `${dead.length} dead`}`);
process.exitCode = dead.length === 0 ? 0 : 1;
