import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Schema } from '../../src/api/schema.ts';
import { compile, compileAll } from '../../src/api/validation.ts';
import { createRouter } from '../../src/http/api.ts';
import { Health } from '../../src/ops/health.ts';
import { routeTable } from '../../src/service/app.ts';

async function requestSchemas(): Promise<Schema[]> {
  const noted: Schema[] = [];
  const original = Ajv2020.prototype.compile;
  Ajv2020.prototype.compile = function (this: Ajv2020, schema: Schema, isMeta?: boolean) {
    noted.push(schema);
    return original.call(this, schema, isMeta);
  } as typeof original;
  const routes = routeTable({ health: new Health(), identity: {}, access: {} } as Parameters<
    typeof routeTable
  >[0]);
  createRouter(routes, {} as Parameters<typeof createRouter>[1]);
  await compileAll();
  Ajv2020.prototype.compile = original;
  assert.ok(noted.length > routes.length);
  return noted;
}

function* parts(schema: Schema, place = ''): Generator<[place: string, Schema]> {
  yield [place, schema];
  for (const keyword of ['items', 'not', 'additionalItems', 'contains'] as const) {
    if (schema[keyword]) yield* parts(schema[keyword] as Schema, `${place}/${keyword}`);
  }
  for (const [name, each] of Object.entries((schema.properties ?? {}) as Record<string, Schema>)) {
    yield* parts(each, `${place}/${name}`);
  }
  for (const keyword of [
    'anyOf',
    'oneOf',
    'allOf',
    '$ref',
    'patternProperties',
    'propertyNames',
    'if',
  ] as const) {
    assert.equal(schema[keyword], undefined, `${place}: ${keyword} would need a bound of its own`);
  }
}

const isOf = ({ type }: Schema, name: string) => [type].flat().includes(name);
const all = (await requestSchemas()).flatMap((schema) => [...parts(schema)]);

const MOST_COMPARED = 64;

const SLOW = /\([^)]*[+*}][^)]*\)[+*{]|\.[+*].*\.[+*]/;

describe('What a request may hold is bounded:', () => {
  test('every list', () => {
    const lists = all.filter(([, schema]) => isOf(schema, 'array'));
    assert.ok(lists.length >= 6);
    for (const [place, { maxItems, uniqueItems }] of lists) {
      assert.ok((maxItems as number) <= 1000, `${place} has no maxItems`);
      if (uniqueItems)
        assert.ok((maxItems as number) <= MOST_COMPARED, `${place} compares ${maxItems} items`);
    }
  });

  test('every object', () => {
    const objects = all.filter(([, schema]) => isOf(schema, 'object'));
    assert.ok(objects.length > 100);
    for (const [place, schema] of objects) {
      assert.equal(schema.additionalProperties, false, `${place} takes any property`);
    }
  });

  test('every text, but for images, which are cut out before', () => {
    const texts = all.filter(([, schema]) => isOf(schema, 'string') && !schema.enum);
    assert.ok(texts.length > 100);
    for (const [place, { maxLength, pattern }] of texts) {
      if (/\/bytes$/.test(place)) continue;
      const isBoundByPattern = typeof pattern === 'string' && /^\^[^+*]*\$$/.test(pattern);
      assert.ok(isBoundByPattern || (maxLength as number) <= 4096, `${place} has no maxLength`);
    }
  });

  test('and every pattern takes a time that grows with the text alone', () => {
    assert.match('^(a+)+$', SLOW);
    assert.match('^.*x.*$', SLOW);
    const patterns = all.flatMap(([place, { pattern }]) =>
      pattern ? [[place, String(pattern)] as const] : [],
    );
    assert.ok(patterns.length > 50);
    for (const [place, pattern] of patterns) {
      assert.doesNotMatch(pattern.replaceAll(/\[(?:[^\]\\]|\\.)*\]/g, 'C'), SLOW, place);
    }
  });
});

describe('A list or an object beyond its bound', () => {
  function watched<T extends object>(items: T): { readonly items: T; readonly reads: () => number } {
    let reads = 0;
    const seen = new Proxy(items, {
      get: (target, name, receiver) => {
        if (typeof name === 'string' && /^\d+$/.test(name)) reads++;
        return Reflect.get(target, name, receiver);
      },
    });
    return { items: seen, reads: () => reads };
  }

  const schema = {
    type: 'object',
    additionalProperties: false,
    properties: { scopes: { type: 'array', maxItems: 9, uniqueItems: true, items: { enum: ['a', 'b'] } } },
  };
  const validate = compile(schema, 'typed');

  test('is refused before its items are looked at', () => {
    const { items, reads } = watched(Array.from({ length: 21_000 }, () => ({})));
    assert.throws(() => validate({ scopes: items }), {
      code: 'VALIDATION_FAILED',
      message: '/scopes: expected a list of at most 9 entries, got 21000.',
    });
    assert.equal(reads(), 0);
  });

  test('is refused with one error, not one for each of its properties', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`p${i}`, 1]));
    assert.throws(
      () => validate(many),
      (error: { code: string; errors: unknown[] }) => {
        assert.equal(error.code, 'VALIDATION_FAILED');
        assert.equal(error.errors.length, 1);
        return true;
      },
    );
  });

  test('within its bound it is still checked item by item', () => {
    assert.throws(() => validate({ scopes: ['a', 'a'] }), /differ from each other/);
    assert.throws(() => validate({ scopes: ['c'] }), /expected one of a, b/);
    assert.deepEqual(validate({ scopes: ['a', 'b'] }), { scopes: ['a', 'b'] });
  });
});

test('An error says each pattern in words', () => {
  const patterns = all.filter(([place, { pattern }]) => pattern !== undefined && !place.endsWith('/id'));
  assert.ok(patterns.length > 10);
  for (const [place, { pattern }] of patterns) {
    const validate = compile({ type: 'object', properties: { value: { type: 'string', pattern } } }, 'typed');
    assert.throws(
      () => validate({ value: '\u0000' }),
      (error: Error) => !error.message.includes('another form'),
      place,
    );
  }
});
