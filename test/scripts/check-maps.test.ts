import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { describe, test } from 'node:test';
import { folderWith, runScript } from './project-scripts.ts';

function check(files: Readonly<Record<string, string>>) {
  const folder = folderWith(files);
  try {
    return runScript('check-maps.mjs', folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const GOOD = 'maps: every folder that needs a map has one\n';
const NAMES = ['a.ts', 'b.ts', 'c.ts', 'd.ts', 'e.ts', 'f.ts', 'g.ts', 'h.ts', 'i.ts', 'j.ts'];

function mapOf(...rows: readonly string[]): string {
  return `# Room\n\nDoes it.\n\n| file | does |\n|---|---|\n${rows.map((row) => `| ${row} | does it |\n`).join('')}`;
}

function folderOf(
  folder: string,
  names: readonly string[],
  map: string | null = mapOf(...names.map((name) => `\`${name}\``)),
): Record<string, string> {
  const files = Object.fromEntries(names.map((name) => [`${folder}/${name}`, '']));
  return map === null ? files : { ...files, [`${folder}/README.md`]: map };
}

describe('check-maps', () => {
  test('finds nothing wrong in this project', () => {
    assert.equal(runScript('check-maps.mjs').output, GOOD);
  });

  test('accepts complete maps, and small folders without one', () => {
    const { code, output } = check({
      ...folderOf('src/http', NAMES),
      ...folderOf('src/access/keys', ['a.ts']),
      ...folderOf('src/access', ['a.ts'], null),
      ...folderOf('native/base', NAMES.slice(1), null),
    });
    assert.equal(output, GOOD);
    assert.equal(code, 0);
  });

  test('accepts several tables, a row for a header and its source, and text between them', () => {
    const files = ['a.h', 'a.cc', 'b.h', 'b.cu'];
    const map = `${mapOf('`a.h`, `a.cc`')}\nAlso \`x.ts\`.\n\n## More\n\n${mapOf('`b.h`, `b.cu`')}`;
    const { code, output } = check(folderOf('native/base', files, map));
    assert.equal(output, GOOD);
    assert.equal(code, 0);
  });

  const allBut = (name: string) => NAMES.filter((other) => other !== name).map((other) => `\`${other}\``);
  const all = NAMES.map((name) => `\`${name}\``);
  const wrong: [name: string, files: Record<string, string>, complaint: RegExp][] = [
    [
      'a folder of ten source files without a README',
      folderOf('native/base', NAMES, null),
      /^native\/base\/README\.md: expected a table .* of 10 source files/,
    ],
    [
      'a README without a table',
      folderOf('src/http', NAMES, '# Room\n'),
      /^src\/http\/README\.md: expected a table/,
    ],
    [
      'a small room of access without a README',
      folderOf('src/access/keys', ['a.ts'], null),
      /^src\/access\/keys\/README\.md: expected a table/,
    ],
    [
      'a map that lacks a file',
      folderOf('src/vision/graph', NAMES, mapOf(...allBut('d.ts'))),
      /^src\/vision\/graph\/README\.md: d\.ts is missing\n/,
    ],
    [
      'a map that names a file only in its text',
      folderOf('src/http', NAMES, `${mapOf(...allBut('d.ts'))}\nAlso \`d.ts\`.\n`),
      /d\.ts is missing/,
    ],
    [
      'a name that does not exist',
      folderOf('src/http', NAMES, mapOf(...all, '`gone.ts`')),
      /^src\/http\/README\.md: names gone\.ts, which does not exist\n/,
    ],
    [
      'a name that does not exist in the map of a small folder',
      folderOf('src/config', ['a.ts'], mapOf('`a.ts`', '`gone.ts`')),
      /names gone\.ts, which does not exist/,
    ],
    ['a file with two rows', folderOf('src/http', NAMES, mapOf(...all, '`a.ts`')), /names a\.ts 2 times/],
    [
      'one row for different files',
      folderOf('src/access/keys', ['a.ts', 'b.ts'], mapOf('`a.ts`, `b.ts`')),
      /expected one row for each of a\.ts, b\.ts/,
    ],
    [
      'a row that says nothing',
      folderOf('src/access/keys', ['a.ts'], '| file | does |\n|---|---|\n| `a.ts` | |\n'),
      /a\.ts is missing/,
    ],
  ];
  for (const [name, files, complaint] of wrong) {
    test(`refuses ${name}`, () => {
      const { code, output } = check(files);
      assert.match(output, complaint);
      assert.match(output, /maps: 1 wrong\n$/);
      assert.equal(code, 1);
    });
  }
});
