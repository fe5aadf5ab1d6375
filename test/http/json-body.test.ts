import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  cutLongStrings,
  MAX_REST_BYTES,
  MAX_VALUES,
  parseImageJson,
  parseJson,
  type RestLimits,
} from '../../src/http/json-body.ts';

function restore(value: unknown, cuts: ReadonlyMap<string, Buffer>): unknown {
  if (typeof value === 'string') {
    const cut = cuts.get(value);
    return cut ? JSON.parse(`"${cut.toString('utf8')}"`) : value;
  }
  if (Array.isArray(value)) return value.map((item) => restore(item, cuts));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, restore(item, cuts)]);
  return Object.fromEntries(entries);
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\\', '"', '/', 'a', '\n', ':', '{', 'é', '😀'), maxLength: 60 }),
  fc.base64String({ minLength: 20, maxLength: 100 }),
);
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    anyText,
    fc.jsonValue(),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(anyText, tie('json'), { maxKeys: 4 }),
  ),
}));

function restyle(text: string, indent: number): Buffer {
  return Buffer.from(text.replaceAll('/', '\\/').replaceAll('":', `"${' '.repeat(indent)}:`));
}

function limits(some: Partial<RestLimits> = {}): RestLimits {
  return { minCut: 16, bytes: MAX_REST_BYTES, values: MAX_VALUES, ...some };
}

describe('Cutting long strings out of JSON', () => {
  test('loses nothing of any JSON', async () => {
    await fc.assert(
      fc.asyncProperty(json, fc.integer({ min: 0, max: 3 }), fc.boolean(), async (value, indent, plain) => {
        const text = JSON.stringify(value, null, indent);
        const body = plain ? Buffer.from(text) : restyle(text, indent);
        const expected = JSON.parse(body.toString());
        const { rest, cuts } = await cutLongStrings(body, limits());
        assert.deepEqual(restore(parseJson(rest), cuts), expected);
      }),
      { numRuns: 2000 },
    );
  });

  test('makes no JSON of what is none', async () => {
    const noises = fc.constantFrom('"', '{', '}', ',', '\\');
    await fc.assert(
      fc.asyncProperty(json, fc.nat(), noises, async (value, place, noise) => {
        const text = JSON.stringify({ image: value });
        const at = place % text.length;
        const broken = Buffer.from(text.slice(0, at) + noise + text.slice(at));
        try {
          JSON.parse(broken.toString());
          return;
        } catch {
          const { rest, cuts } = await cutLongStrings(broken, limits());
          // Inside of a cut string nothing is looked at; the base64 decoder refuses such a character.
          if ([...cuts.values()].some((cut) => cut.includes('\\'))) return;
          assert.throws(() => parseJson(rest), { code: 'VALIDATION_FAILED' });
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('leaves keys and short strings where they are', async () => {
    const long = 'k'.repeat(100);
    const { rest, cuts } = await cutLongStrings(Buffer.from(`{"${long}" \n: "${'v'.repeat(15)}"}`), limits());
    assert.equal(cuts.size, 0);
    assert.ok(rest.includes(long));
  });

  test('stops at a body whose rest is too large, whatever it is made of', async () => {
    for (const text of [
      `[${'"",'.repeat(1e5)}""]`,
      `{"a":"${'\\"'.repeat(1e5)}"}`,
      '['.repeat(2e5),
      `"${'a'.repeat(2e5)}`,
    ]) {
      const cutting = cutLongStrings(Buffer.from(text), limits({ minCut: 1000, bytes: 100_000 }));
      await assert.rejects(cutting, { code: 'PAYLOAD_TOO_LARGE' });
    }
  });

  test('stops at a rest of too many values, before it is parsed', async () => {
    const many = MAX_VALUES + 1;
    const bodies = [
      '['.repeat(many),
      '{"a":'.repeat(many),
      `[${'1,'.repeat(many)}1]`,
      `[${'{},'.repeat(many)}1]`,
    ];
    for (const text of bodies) {
      const cutting = cutLongStrings(Buffer.from(text), limits());
      await assert.rejects(cutting, { code: 'PAYLOAD_TOO_LARGE', message: /at most 2000 values/ });
    }
    const strings = `["${'[,{'.repeat(many)}","${',[{'.repeat(1e5)}"]`;
    await cutLongStrings(Buffer.from(strings), limits({ minCut: 1e5 }));
  });

  test('refuses more backslashes in a row than any string needs', async () => {
    for (const count of [65_536, 65_537, 1_000_000]) {
      const cutting = cutLongStrings(Buffer.from(`["${'\\'.repeat(count)}"]`), limits());
      await assert.rejects(cutting, { code: 'VALIDATION_FAILED' });
    }
  });

  test('lets others have their turn, however long it takes', async () => {
    let turns = 0;
    const count = setInterval(() => {}, 1e6);
    const tick = () => {
      turns++;
      if (count.hasRef()) setImmediate(tick);
    };
    setImmediate(tick);
    // 55 MB of strings just long enough to be cut, each with backslashes.
    const entry = Buffer.from(`"${'\\'.repeat(60_000)}",`);
    const body = Buffer.concat([
      Buffer.from('['),
      ...Array.from({ length: 910 }, () => entry),
      Buffer.from('1]'),
    ]);
    assert.ok(body.length > 54e6);
    const { cuts } = await cutLongStrings(body, limits({ minCut: 8192 }));
    count.unref();
    clearInterval(count);
    assert.equal(cuts.size, 910);
    assert.ok(turns >= 4, `the event loop turned ${turns} times`);
  });
});

async function parsed(
  body: Buffer,
): Promise<{ value: unknown; bytes: Uint8Array | null; check: () => void }> {
  const { value, textOf, checkPlaces } = await parseImageJson(body, 1);
  const { image } = Object(value) as { image?: { bytes?: unknown } };
  const bytes = image?.bytes;
  return {
    value,
    bytes: typeof bytes === 'string' ? textOf(bytes) : null,
    check: () => checkPlaces(value, new Set([image])),
  };
}

describe('The image of a JSON body', () => {
  const base64 = Buffer.alloc(9000, 'picture').toString('base64');

  test('is handed on as a view of the body, without a copy', async () => {
    const body = Buffer.from(JSON.stringify({ image: { bytes: base64, url: null }, collectionId: 'a' }));
    const { bytes } = await parsed(body);
    assert.equal(bytes?.buffer, body.buffer);
    assert.equal(Buffer.from(bytes ?? []).toString(), base64);
  });

  test('keeps its escapes, which the decoder knows', async () => {
    const text = `ab\\/c\\u002B\\u0041\\n`.repeat(3000);
    const body = Buffer.from(`{"image":{"bytes":"${text}"}}`);
    const { bytes } = await parsed(body);
    assert.equal(bytes?.buffer, body.buffer);
    assert.equal(Buffer.from(bytes ?? []).toString(), text);
  });

  test('is unescaped where it is short', async () => {
    const { bytes } = await parsed(Buffer.from('{"image":{"bytes":"ab\\/\\u002B"}}'));
    assert.equal(Buffer.from(bytes ?? []).toString(), 'ab/+');
  });

  test('is the only long string: another one is refused by its place', async () => {
    const image = { bytes: `x${base64}` };
    const { bytes, check } = await parsed(Buffer.from(JSON.stringify({ note: [base64], image })));
    assert.equal(Buffer.from(bytes ?? []).toString(), `x${base64}`);
    assert.throws(check, {
      code: 'VALIDATION_FAILED',
      message: /^\/note\/0: expected text of fewer than 8192/,
    });
    const url = await parsed(Buffer.from(JSON.stringify({ image: { bytes: null, url: base64 } })));
    assert.throws(url.check, { code: 'VALIDATION_FAILED', message: /^\/image\/url/ });
    (await parsed(Buffer.from(JSON.stringify({ image })))).check();
  });

  test('is the last of two, as for JSON.parse', async () => {
    const body = Buffer.from(`{"image":{"bytes":"${base64}"},"image":{"bytes":"short"}}`);
    const { bytes, check } = await parsed(body);
    assert.equal(Buffer.from(bytes ?? []).toString(), 'short');
    check();
  });

  test('is null where there is no string', async () => {
    for (const text of [
      '{}',
      'null',
      '[]',
      '{"image":null}',
      '{"image":{"bytes":5}}',
      '{"__proto__":{"image":{"bytes":"x"}}}',
    ]) {
      assert.equal((await parsed(Buffer.from(text))).bytes, null);
    }
  });

  test('must stand in UTF-8', async () => {
    const body = Buffer.concat([Buffer.from('{"image":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    await assert.rejects(parsed(body), { code: 'VALIDATION_FAILED' });
  });
});

test('A byte order mark before JSON is no part of it', async () => {
  const body = Buffer.from('\ufeff{"a":"\ufeff"}');
  assert.deepEqual(parseJson(body), { a: '\ufeff' });
  assert.deepEqual((await parseImageJson(body, 1)).value, { a: '\ufeff' });
});

test('JSON in UTF-16 is refused by name', () => {
  const little = Buffer.from('\ufeff{"a":1}', 'utf16le');
  for (const body of [
    little,
    Buffer.from(little).swap16(),
    little.subarray(2),
    Buffer.from(little.subarray(2)).swap16(),
  ]) {
    assert.throws(() => parseJson(body), /expected JSON in UTF-8, got UTF-16/);
  }
});
