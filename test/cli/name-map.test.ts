import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { parseNameMap, readNameMap } from '../../src/cli/name-map.ts';

const folder = mkdtempSync(join(tmpdir(), 'visage-map-'));
after(() => rmSync(folder, { recursive: true }));
const read = (text: string) => Array.from(parseNameMap(text));

describe('A map of names', () => {
  test('is CSV as RFC 4180 has it, with quotes, line ends of any system, and a header or none', () => {
    assert.deepEqual(read('Zoë,a\n'), [['Zoë', 'a']]);
    assert.deepEqual(read('folder,External Key\r\n"Müller, Jürgen",b\r\n"the ""best""","c"'), [
      ['Müller, Jürgen', 'b'],
      ['the "best"', 'c'],
    ]);
    assert.deepEqual(read('name;external_key\nMüller, Jürgen;b\n\nZoë;c\n'), [
      ['Müller, Jürgen', 'b'],
      ['Zoë', 'c'],
    ]);
    assert.deepEqual(read(''), []);
    assert.deepEqual(read('"two\nlines",x\n'), [['two\nlines', 'x']]);
  });

  test('reads back every name and key that is written as CSV', () => {
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const key = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 1,
    });
    const name = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.normalize('NFC'));
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, key), { selector: ([each]) => each.normalize('NFC') }),
        (rows) => {
          const csv = rows.map(([each, value]) => `${quoted(each)},${quoted(value)}\r\n`).join('');
          assert.deepEqual(read(`name,external_key\r\n${csv}`), rows);
        },
      ),
    );
  });

  const wrong: [text: string, sentence: RegExp][] = [
    ['a,b,c\n', /line 1: expected a name and an external key, got 3 fields/],
    ['a,b\nc\n', /line 2: .* got 1 fields/],
    [
      'a,b\n\n"c\nd",two words\n',
      /line 3: expected an external key of 1 to 512 visible ASCII .*, got "two words"/,
    ],
    ['a,\n', /line 1: expected an external key/],
    [',b\n', /line 1: expected a name before the comma/],
    ['a,b\na,c\n', /line 2: duplicate of the name in line 1/],
    ['Zo\u00eb,b\nx,y\nZoe\u0308,c\n', /line 3: duplicate of the name in line 1/],
    ['a,b\n"open,c\n', /line 2: missing closing quote/],
    ['a "b",c\n', /line 1: expected quotes around the whole field/],
    ['"a"b,c\n', /line 1: expected a comma or the end of the line/],
  ];
  for (const [text, sentence] of wrong) {
    test(`is refused with the line that is wrong: ${JSON.stringify(text)}`, () => {
      assert.throws(() => read(text), { message: sentence });
    });
  }

  test('is refused as a file that is too large, not UTF-8, no file or not there', () => {
    const file = join(folder, 'names.csv');
    writeFileSync(file, Buffer.from('J\xfcrgen,a\n', 'latin1'));
    assert.throws(() => readNameMap(file), { message: /expected UTF-8: save the file as CSV UTF-8/ });
    truncateSync(file, 64 * 1024 ** 2 + 1);
    assert.throws(() => readNameMap(file), { message: /expected at most 67108864 bytes/ });
    assert.throws(() => readNameMap(folder), { message: /expected a file/ });
    assert.throws(() => readNameMap(join(folder, 'none')), { message: /cannot read the file \(ENOENT\)/ });
    writeFileSync(file, '\ufeffa,b\n');
    assert.deepEqual([...readNameMap(file)], [['a', 'b']]);
  });
});
