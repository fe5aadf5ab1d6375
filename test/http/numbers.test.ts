import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Route } from '../../src/api/route.ts';
import type { Schema } from '../../src/api/schema.ts';
import { compile, type Validator } from '../../src/api/validation.ts';
import { parseDecimal, parseWhole } from '../../src/base/decimal.ts';
import { propertiesOf } from '../../src/http/image-parameters.ts';
import { Health } from '../../src/ops/health.ts';
import { routeTable } from '../../src/service/app.ts';

const routes = routeTable({ health: new Health(), identity: {}, access: {} } as Parameters<
  typeof routeTable
>[0]);

interface NumberParameter {
  readonly name: string;
  readonly schema: Schema;
  readonly isTextual: boolean;
}

function isNumber({ type }: Schema): boolean {
  return [type].flat().some((each) => each === 'number' || each === 'integer');
}

function numbersOf(route: Route): NumberParameter[] {
  const of = (schema: Schema | undefined, isTextual: boolean) =>
    Object.entries(propertiesOf(schema ?? {})).flatMap(([name, each]) =>
      isNumber(each) ? [{ name: `${route.operationId} ${name}`, schema: each, isTextual }] : [],
    );
  return [...of(route.query, true), ...of(route.body, route.images !== undefined)];
}

const parameters = routes.flatMap(numbersOf);
const textual = parameters.filter(({ isTextual }) => isTextual);

const validators = new Map<Schema, Record<'typed' | 'textual', Validator>>();

function read(schema: Schema, value: unknown, kind: 'typed' | 'textual'): unknown {
  const whole = { type: 'object', properties: { value: schema } };
  const made = validators.get(schema) ?? {
    typed: compile(whole, 'typed'),
    textual: compile(whole, 'textual'),
  };
  validators.set(schema, made);
  return made[kind]({ value }).value;
}

/** Texts that some parsers of numbers take, and ours must not. */
const NONE = [
  ...['Infinity', '-Infinity', 'infinity', 'inf', 'NaN', 'nan', '', ' ', ' 5', '5 ', '\t5', '5\n', '\u00a05'],
  ...['0x50', '0b101', '0o17', '+5', '5.', '.5', '5e1', '1e999', '-1e999', '1e-400', '1E2', '1_000', '1,5'],
  ...['５', '٥', '５０', '--5', '5-', '1.2.3', '5n', 'true', 'null', '[]', '[5]', '80%', '9'.repeat(33)],
];

describe('A number in a query or a form', () => {
  test('is a parameter of many calls, in queries and beside images', () => {
    assert.ok(textual.length >= 15, `only ${textual.length}`);
    assert.ok(textual.some(({ name }) => name === 'listFaces limit'));
    assert.ok(textual.some(({ name }) => name === 'verifyFace faceMatchThreshold'));
  });

  test('is never one of the texts that only some parsers take', () => {
    for (const { name, schema } of textual) {
      for (const text of NONE) {
        if (text === 'null' && [schema.type].flat().includes('null')) continue;
        assert.throws(
          () => read(schema, text, 'textual'),
          { code: 'VALIDATION_FAILED' },
          `${name}=${JSON.stringify(text)}`,
        );
      }
    }
  });

  test('is a plain decimal within its range, or refused', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789.-+eExn_ ,ItyN'), maxLength: 12 });
    const text = fc.oneof(digits, fc.double().map(String), fc.integer().map(String), fc.string());
    for (const { name, schema } of textual) {
      const { minimum, maximum } = schema as { minimum: number; maximum: number };
      fc.assert(
        fc.property(text, (each) => {
          let value: unknown;
          try {
            value = read(schema, each, 'textual');
          } catch {
            return;
          }
          assert.match(each, /^-?\d+(\.\d+)?$/, name);
          assert.equal(value, Number(each) + 0, name);
          assert.ok((value as number) >= minimum && (value as number) <= maximum, `${name}=${each}`);
        }),
        { numRuns: 300 },
      );
    }
  });

  test('says what was expected and what came, in few characters', () => {
    const schema = { type: 'number', minimum: 0, maximum: 100 };
    const message = (value: string) => {
      try {
        read(schema, value, 'textual');
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    assert.equal(message('high'), 'value: expected a number from 0 to 100, got "high".');
    assert.equal(message('101'), 'value: expected a number from 0 to 100, got 101.');
    assert.ok(message('9'.repeat(4096)).length < 120);
  });
});

describe('A number in JSON', () => {
  test('is finite, a number and within its range', () => {
    const wrong = [
      '1e999',
      '-1e999',
      '"5"',
      'true',
      '[5]',
      '{}',
      '1e308',
      '-1e308',
      '""',
      '9007199254740993',
    ];
    for (const { name, schema } of parameters) {
      for (const text of wrong) {
        assert.throws(
          () => read(schema, JSON.parse(text), 'typed'),
          { code: 'VALIDATION_FAILED' },
          `${name}: ${text}`,
        );
      }
    }
  });

  test('has a least and a greatest value, whichever parameter it is', () => {
    for (const { name, schema } of parameters) {
      assert.ok(Number.isFinite(schema.minimum) && Number.isFinite(schema.maximum), name);
    }
  });
});

describe('A similarity threshold', () => {
  const thresholds = parameters.filter(({ name }) => /threshold/i.test(name));

  test('on the scale of 0 to 1 is refused with a hint at the scale, in every call that takes one', () => {
    assert.ok(thresholds.length >= 4, `only ${thresholds.length}`);
    for (const { name, schema } of thresholds) {
      for (const value of [0.8, 1, 1e-9, 0.999999]) {
        const refusal = { code: 'VALIDATION_FAILED', message: /0 to 100, so write 80 rather than 0\.8/ };
        assert.throws(() => read(schema, value, 'typed'), refusal, `${name} ${value}`);
        assert.throws(() => read(schema, value.toFixed(9), 'textual'), refusal, `${name} ${value}`);
      }
      for (const value of [0, 1.01, 80, 100]) {
        assert.equal(read(schema, value, 'typed'), value);
        assert.equal(read(schema, String(value), 'textual'), value);
      }
    }
  });
});

describe('A boolean in a query or a form', () => {
  test('is true or false and nothing else', () => {
    const schema = { type: 'boolean' };
    assert.equal(read(schema, 'true', 'textual'), true);
    assert.equal(read(schema, 'false', 'textual'), false);
    for (const text of ['', '0', '1', 'True', 'FALSE', 'yes', ' true', 'null', 'constructor', '__proto__']) {
      assert.throws(() => read(schema, text, 'textual'), { code: 'VALIDATION_FAILED' }, text);
    }
  });
});

describe('The reader of numbers', () => {
  test('knows one zero, and whole numbers that a double holds exactly', () => {
    assert.ok(Object.is(parseDecimal('-0'), 0));
    assert.equal(parseDecimal('007.50'), 7.5);
    assert.equal(parseWhole('9007199254740991'), 9007199254740991);
    assert.equal(parseWhole('9007199254740993'), null);
    assert.equal(parseWhole('5.0'), null);
    for (const text of NONE) assert.equal(parseDecimal(text), null, JSON.stringify(text));
  });
});
