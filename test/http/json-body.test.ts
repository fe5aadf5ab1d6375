import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { cutLongStrings, parseImageJson, parseJson } from '../../src/http/json-body.ts';

/** Puts the cut strings back, wherever they were. */
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

/** The same JSON with escapes and spaces that `JSON.stringify` never writes. */
function restyle(text: string, indent: number): Buffer {
  return Buffer.from(text.replaceAll('/', '\\/').replaceAll('":', `"${' '.repeat(indent)}:`));
}

describe('Cutting long strings out of JSON', () => {
  test('loses nothing of any JSON', () => {
    fc.assert(
      fc.property(json, fc.integer({ min: 0, max: 3 }), fc.boolean(), (value, indent, plain) => {
        const text = JSON.stringify(value, null, indent);
        const body = plain ? Buffer.from(text) : restyle(text, indent);
        const expected = JSON.parse(body.toString());
        const { rest, cuts } = cutLongStrings(body, 16);
        assert.deepEqual(restore(parseJson(rest), cuts), expected);
      }),
      { numRuns: 2000 },
    );
  });

  test('makes no JSON of what is none', () => {
    fc.assert(
      fc.property(json, fc.nat(), fc.constantFrom('"', '{', '}', ',', '\\'), (value, place, noise) => {
        const text = JSON.stringify({ image: value });
        const at = place % text.length;
        const broken = Buffer.from(text.slice(0, at) + noise + text.slice(at));
        try {
          JSON.parse(broken.toString());
          return;
        } catch {
          const { rest, cuts } = cutLongStrings(broken, 16);
          // Inside of a cut string nothing is looked at; the base64 decoder refuses such a character.
          if ([...cuts.values()].some((cut) => cut.includes('\\'))) return;
          assert.throws(() => parseJson(rest), { code: 'VALIDATION_FAILED' });
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('leaves keys and short strings where they are', () => {
    const long = 'k'.repeat(100);
    const { rest, cuts } = cutLongStrings(Buffer.from(`{"${long}" \n: "${'v'.repeat(15)}"}`), 16);
    assert.equal(cuts.size, 0);
    assert.ok(rest.includes(long));
  });

  test('stops at a body whose rest is too large, whatever it is made of', () => {
    for (const text of [
      `[${'"",'.repeat(1e5)}""]`,
      `{"a":"${'\\"'.repeat(1e5)}"}`,
      '['.repeat(2e5),
      `"${'a'.repeat(2e5)}`,
    ]) {
      assert.throws(() => cutLongStrings(Buffer.from(text), 1000, 100_000), { code: 'PAYLOAD_TOO_LARGE' });
    }
  });
});

/** The picture `image` of a body, if there is one. */
function parsed(body: Buffer): { value: unknown; bytes: Uint8Array | null } {
  const image = (value: unknown) => (Object(value) as { image?: { bytes?: unknown } }).image;
  const { value, textOf } = parseImageJson(body, (all) => [image(all)], 1);
  const bytes = image(value)?.bytes;
  return { value, bytes: typeof bytes === 'string' ? textOf(bytes) : null };
}

describe('The picture of a JSON body', () => {
  const base64 = Buffer.alloc(9000, 'picture').toString('base64');

  test('is handed on as a view of the body, without a copy', () => {
    const body = Buffer.from(JSON.stringify({ image: { bytes: base64, url: null }, collectionId: 'a' }));
    const { bytes } = parsed(body);
    assert.equal(bytes?.buffer, body.buffer);
    assert.equal(Buffer.from(bytes ?? []).toString(), base64);
  });

  test('keeps its escaped slashes, which the decoder knows', () => {
    const { bytes } = parsed(Buffer.from(`{"image":{"bytes":"${`ab\\/c`.repeat(3000)}"}}`));
    assert.equal(Buffer.from(bytes ?? []).toString(), `ab\\/c`.repeat(3000));
  });

  test('is unescaped where other escapes are in it', () => {
    const lines = `${base64.slice(0, 76)}\n${base64.slice(76)}`;
    const { bytes } = parsed(Buffer.from(JSON.stringify({ image: { bytes: lines } })));
    assert.equal(Buffer.from(bytes ?? []).toString(), lines);
  });

  test('is found where a second long string stands beside it', () => {
    const { value, bytes } = parsed(
      Buffer.from(JSON.stringify({ note: base64, image: { bytes: `x${base64}` } })),
    );
    assert.equal(Buffer.from(bytes ?? []).toString(), `x${base64}`);
    assert.equal((value as { note: string }).note, base64);
  });

  test('is the last of two, as for JSON.parse', () => {
    const { bytes } = parsed(Buffer.from(`{"image":{"bytes":"${base64}"},"image":{"bytes":"short"}}`));
    assert.equal(Buffer.from(bytes ?? []).toString(), 'short');
  });

  test('is null where there is no string', () => {
    for (const text of [
      '{}',
      'null',
      '[]',
      '{"image":null}',
      '{"image":{"bytes":5}}',
      '{"__proto__":{"image":{"bytes":"x"}}}',
    ]) {
      assert.equal(parsed(Buffer.from(text)).bytes, null);
    }
  });

  test('must stand in UTF-8', () => {
    const body = Buffer.concat([Buffer.from('{"image":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    assert.throws(() => parsed(body), { code: 'VALIDATION_FAILED' });
  });
});
