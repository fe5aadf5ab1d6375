import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { visible, visibleLines } from '../../src/base/visible-text.ts';
import { mayColour, terminalLine } from '../../src/ops/terminal-line.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 40 });

describe('Visible text', () => {
  test('holds no control, format or invisible character, and no lone surrogate, whatever it is made from', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        assert.doesNotMatch(visible(text), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        assert.equal(visibleLines(text).replaceAll('\n', ''), visible(text.replaceAll('\n', '')));
      }),
    );
    assert.equal(visible('a\x1b[2J\n\u202e\ud800'), 'a\\u001b[2J\\u000a\\u202e\\ud800');
  });

  test('leaves JSON the same JSON', () => {
    fc.assert(
      fc.property(fc.anything({ values: [anyText], withNullPrototype: false }), (value) => {
        const json = JSON.stringify({ value });
        assert.deepEqual(JSON.parse(visibleLines(json)), JSON.parse(json));
      }),
    );
  });

  test('leaves names of all scripts as they are, and escapes only a flood of marks', () => {
    for (const name of [
      'Zoë',
      'Zoe\u0308',
      'Nguyễn Thị',
      'Jürgen Groß',
      '王小明',
      'محمد',
      'שָׁלוֹם',
      'สมชาย',
      'देवी',
      '🙂',
    ])
      assert.equal(visible(name), name);
    assert.match(visible(`a${'\u0301'.repeat(9)}`), /^a\u0301{4}(\\u0301){5}$/);
  });
});

describe('A line of the log on a terminal', () => {
  const line = (fields: object, isColoured = false) =>
    terminalLine(
      JSON.stringify({ level: 'warn', time: '2026-01-15T10:30:00.000Z', msg: 'said', ...fields }),
      isColoured,
    );

  test('has time, level, message and fields, and leaves out what is null', () => {
    assert.match(
      line({ a: 1, b: null, c: 'two words', d: 'one' }),
      /^2026-01-1[456] \d\d:\d\d:00 WARN {2}said a=1 c="two words" d=one\n$/,
    );
  });

  test('is coloured by its level where that is wanted', () => {
    assert.ok(line({}, true).endsWith(' \x1b[33mWARN \x1b[0m said\n'));
    assert.deepEqual([{}, { NO_COLOR: '' }, { NO_COLOR: '1' }, { TERM: 'dumb' }].map(mayColour), [
      true,
      true,
      false,
      false,
    ]);
  });

  test('shows the stack of an error below it, marked so that no line of it looks like an entry', () => {
    const err = {
      type: 'Error',
      message: 'm',
      stack: 'Error: m\n2026-01-15 10:30:00 INFO  forged\n    at f\x1b[2J',
    };
    assert.deepEqual(line({ err }).split('\n').slice(1), [
      '    | Error: m',
      '    | 2026-01-15 10:30:00 INFO  forged',
      '    |     at f\\u001b[2J',
      '',
    ]);
  });
});
