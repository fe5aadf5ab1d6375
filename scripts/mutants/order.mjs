/** Which tests are likeliest to notice a fault of a file. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const IMPORT = /(?:from|import)\s*\(?'(\.[^']+)'/g;

const known = new Map();

function importsOf(root, file) {
  const place = join(root, file);
  if (!known.has(place)) {
    const source = existsSync(place) ? readFileSync(place, 'utf8') : '';
    known.set(
      place,
      Array.from(source.matchAll(IMPORT), ([, path]) => join(dirname(file), path)),
    );
  }
  return known.get(place);
}

/** The fewest imports from `test` to `file`, both relative to `root`; infinite if no chain of imports leads there. */
export function distance(root, test, file) {
  const seen = new Set([test]);
  let border = [test];
  for (let steps = 0; border.length > 0; steps++) {
    if (border.includes(file)) return steps;
    const next = new Set(border.flatMap((each) => importsOf(root, each)));
    border = [...next].filter((each) => !seen.has(each));
    for (const each of border) seen.add(each);
  }
  return Number.POSITIVE_INFINITY;
}

function wordsOf(file) {
  return basename(file)
    .replace(/\..*$/, '')
    .split(/[-_]/)
    .map((word) => word.replace(/s$/, ''));
}

/** How many words the names of two files share. */
export function sharedWords(test, file) {
  const words = wordsOf(file);
  return wordsOf(test).filter((word) => words.includes(word)).length;
}

/** Steps of a test that reaches the file in another process only, or not at all. */
const FAR = 20;
/** Steps that a word in both names is worth. */
const WORD = 8;

/** Milliseconds of a test that a step is worth. */
const SLOW_MS = 5_000;

/**
 * @param {(test: string) => number} timeOf milliseconds; 0 if unknown
 * @returns {string[]} `tests`, the likeliest and quickest first: few imports away, or with a similar name
 */
export function likeliestFirst(root, tests, file, timeOf = () => 0) {
  const rated = tests.map((test) => ({
    test,
    steps:
      Math.min(FAR, distance(root, test, file)) - WORD * sharedWords(test, file) + timeOf(test) / SLOW_MS,
  }));
  return rated.sort((a, b) => a.steps - b.steps).map(({ test }) => test);
}
