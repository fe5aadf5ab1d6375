import assert from 'node:assert/strict';
import { test } from 'node:test';
import { object } from '../../src/api/schema.ts';
import { compile, queryParameters } from '../../src/api/validation.ts';

const query = (count: number) => Array.from({ length: count }, (_, i) => `p${i}=${i}`).join('&');

test('A query has up to a hundred parameters, each once', () => {
  assert.equal(Object.keys(queryParameters(query(100))).length, 100);
  assert.throws(() => queryParameters(query(101)), /expected at most 100 parameters/);
  assert.throws(() => queryParameters('a=1&b=2&a=1'), /a: expected once, is given more than once/);
  assert.deepEqual({ ...queryParameters('__proto__=1&a=') }, { ['__proto__']: '1', a: '' });
});

test('Text becomes a number or a boolean only where the schema says so', () => {
  const validate = compile(
    object({
      text: { type: 'string' },
      number: { type: 'number' },
      whole: { type: 'integer' },
      is: { type: 'boolean' },
    }),
    'textual',
  );
  for (const text of ['true', 'false', '1', '']) {
    const value = { text, number: '1.5', whole: '7', is: 'false' };
    assert.deepEqual({ ...validate(value) }, { text, number: 1.5, whole: 7, is: false });
  }
  for (const is of ['TRUE', '1', '', 'toString']) {
    assert.throws(() => validate({ text: '', number: '1', whole: '1', is }), /is: expected true or false/);
  }
});
