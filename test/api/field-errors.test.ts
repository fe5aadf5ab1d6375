import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schema } from '../../src/api/schema.ts';
import { compile, type ValueKind } from '../../src/api/validation.ts';
import type { VisageError } from '../../src/errors.ts';

function messageFor(properties: Readonly<Record<string, Schema>>, value: object, kind: ValueKind = 'typed') {
  const schema = { type: 'object', properties, additionalProperties: false };
  try {
    compile(schema, kind, { here: 'the body' })(value);
  } catch (error) {
    return (error as VisageError).errors?.map(({ path, message }) => `${path}: ${message}`).join('; ');
  }
  return 'accepted';
}

const cases: [name: string, properties: Record<string, Schema>, value: object, message: string][] = [
  ['a number', { a: { type: 'number' } }, { a: true }, 'expected a number, got true'],
  [
    'a number with both limits',
    { a: { type: 'number', minimum: 0, maximum: 100 } },
    { a: 101 },
    'expected a number from 0 to 100, got 101',
  ],
  [
    'a whole number with a least',
    { a: { type: 'integer', minimum: 1 } },
    { a: 0 },
    'expected a whole number of at least 1, got 0',
  ],
  [
    'a whole number with a most',
    { a: { type: 'integer', maximum: 9 } },
    { a: 10 },
    'expected a whole number of at most 9, got 10',
  ],
  ['text without limits', { a: { type: 'string' } }, { a: 1 }, 'expected text, got 1'],
  [
    'text with a least',
    { a: { type: 'string', minLength: 2 } },
    { a: 'x' },
    'expected text of at least 2 characters, got text of 1 characters',
  ],
  [
    'text with a most',
    { a: { type: 'string', maxLength: 2 } },
    { a: 'xyz' },
    'expected text of at most 2 characters, got text of 3 characters',
  ],
  [
    'a list',
    { a: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string' } } },
    { a: [] },
    'expected a list of 1 to 3 entries, got a list of 0 entries',
  ],
];

for (const [name, properties, value, message] of cases) {
  test(`A wrong field is answered with what was expected and what came: ${name}`, () => {
    assert.equal(messageFor(properties, value), `/a: ${message}`);
  });
}

test('Received text is never shown where text was expected, nor in JSON', () => {
  const properties = { a: { type: 'integer' }, b: { type: 'string', maxLength: 3 } };
  const value = { a: 'secret', b: 'secret' };
  const lengths = 'got text of 6 characters';
  assert.equal(
    messageFor(properties, value),
    `/a: expected a whole number, ${lengths}; /b: expected text of at most 3 characters, ${lengths}`,
  );
  assert.equal(
    messageFor(properties, value, 'textual'),
    `a: expected a whole number, got "secret"; b: expected text of at most 3 characters, ${lengths}`,
  );
});

test('An unknown field is answered with the known ones', () => {
  const unknown = 'is not a parameter of this call in the body';
  assert.equal(messageFor({ a: { type: 'string' } }, { b: 1 }), `/b: ${unknown}: expected one of a`);
  assert.equal(messageFor({}, { b: 1 }), `/b: ${unknown}: expected none`);
});
