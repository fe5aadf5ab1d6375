import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT } from '../../testing/service.ts';

/** A fault of the fixed list, and a test that must notice it. */
interface Planted {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly test: string;
}

/** The first and quickest of the fixed list; `npm run test:mutants` plants the others, and many more. */
const SAMPLE = 10;
const LIMIT_MS = 60_000;
const MIRROR = join(ROOT, 'dist.mutants/sample');

const fixed = JSON.parse(readFileSync(join(ROOT, 'test/mutants/fixed.json'), 'utf8')) as Planted[];

interface Mirrors {
  makeMirror(root: string, folder: string): void;
}
interface Runs {
  runTest(root: string, file: string, options: { limit: number }): Promise<{ passed: boolean }>;
}

let runs: Runs;

before(async () => {
  const scripts = join(ROOT, 'scripts/mutants');
  const { makeMirror } = (await import(join(scripts, 'mirror.mjs'))) as Mirrors;
  runs = (await import(join(scripts, 'reach.mjs'))) as Runs;
  makeMirror(ROOT, MIRROR);
});

after(() => rmSync(MIRROR, { recursive: true, force: true }));

describe('A fault that is planted in one line', () => {
  for (const { file, find, replace, test: name } of fixed.slice(0, SAMPLE)) {
    test(`is noticed: ${file} without ${find}`, async () => {
      const place = join(MIRROR, file);
      const source = readFileSync(place, 'utf8');
      assert.equal(source.split(find).length, 2, 'the fault fits one place');
      writeFileSync(
        place,
        source.replace(find, () => replace),
      );
      try {
        assert.equal(
          (await runs.runTest(MIRROR, name, { limit: LIMIT_MS })).passed,
          false,
          `${name} notices nothing`,
        );
      } finally {
        writeFileSync(place, source);
      }
    });
  }

  test('is the only reason why its test fails', async () => {
    const tests = new Set(fixed.slice(0, SAMPLE).map((each) => each.test));
    for (const each of tests) assert.ok((await runs.runTest(MIRROR, each, { limit: LIMIT_MS })).passed, each);
  });

  test('has one place where it fits, for every entry of the list', () => {
    for (const { file, find } of fixed) {
      const { length } = readFileSync(join(ROOT, file), 'utf8').split(find);
      assert.equal(length, 2, `${file}: ${find}`);
    }
  });
});
