import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bytesField, readFields, readVarints, varintField } from '../../../src/vision/graph/wire.ts';

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('a message in the wire format', () => {
  test('is read as the format defines it', () => {
    // Field 1 the number 150, field 2 the text "testing", field 3 a fixed 32-bit and field 4 a fixed 64-bit value.
    const fields = readFields(
      bytes('08 96 01  12 07 74 65 73 74 69 6e 67  1d 01 02 03 04  21 01 02 03 04 05 06 07 08'),
    );
    assert.deepEqual(
      fields.map(({ number, varint, content, isBytes }) => [
        number,
        varint,
        Buffer.from(content).toString('latin1'),
        isBytes,
      ]),
      [
        [1, 150n, '', false],
        [2, 0n, 'testing', true],
        [3, 0n, '\x01\x02\x03\x04', false],
        [4, 0n, '\x01\x02\x03\x04\x05\x06\x07\x08', false],
      ],
    );
  });

  test('is written as the format defines it', () => {
    assert.deepEqual(Buffer.from(varintField(1, 150)), bytes('08 96 01'));
    assert.deepEqual(Buffer.from(bytesField(2, 'testing')), bytes('12 07 74 65 73 74 69 6e 67'));
  });

  test('reads negative numbers as unsigned ones of 64 bits', () => {
    assert.equal(readFields(bytes('08 ff ff ff ff ff ff ff ff ff 01'))[0]?.varint, 2n ** 64n - 1n);
  });

  test('gives back what was written', () => {
    const number = fc.integer({ min: 1, max: 2 ** 29 - 1 });
    const field = fc.oneof(
      fc.record({ number, value: fc.maxSafeNat() }, { noNullPrototype: true }),
      fc.record({ number, value: fc.uint8Array({ maxLength: 300 }) }, { noNullPrototype: true }),
    );
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        const message = Buffer.concat(
          fields.map(({ number, value }) =>
            typeof value === 'number' ? varintField(number, value) : bytesField(number, value),
          ),
        );
        const read = readFields(message).map(({ number, varint, content, isBytes }) => ({
          number,
          value: isBytes ? Uint8Array.from(content) : Number(varint),
        }));
        assert.deepEqual(read, fields);
      }),
    );
  });

  test('of any bytes is either refused with a sentence, or its fields put together are the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (message) => {
        let fields: ReturnType<typeof readFields>;
        try {
          fields = readFields(message);
        } catch (error) {
          assert.match((error as Error).message, /^[A-Z].*\.$/);
          return;
        }
        assert.deepEqual(Buffer.concat(fields.map((field) => field.bytes)), Buffer.from(message));
      }),
      { numRuns: 1000 },
    );
  });

  const broken: [what: string, message: Uint8Array, expected: RegExp][] = [
    ['bytes longer than the message', bytes('12 08 74 65'), /Field 2 exceeds its message/],
    ['a fixed value that is cut off', bytes('1d 01 02 03'), /Field 3 exceeds its message/],
    ['a length of nearly 2^64', bytes('12 ff ff ff ff ff ff ff ff ff 01'), /Field 2 exceeds its message/],
    ['a number that does not end', bytes('08 96'), /has no end/],
    ['a number of eleven bytes', bytes('08 80 80 80 80 80 80 80 80 80 80 00'), /has no end/],
    ['a group', bytes('0b 0c'), /Field 1 has the unsupported wire type 3/],
    ['a field without a number', bytes('00 01'), /Field number 0 is invalid/],
  ];
  for (const [what, message, expected] of broken) {
    test(`with ${what} is refused`, () => {
      assert.throws(() => readFields(message), expected);
    });
  }

  test('has packed lists of numbers', () => {
    assert.deepEqual(readVarints(bytes('03 96 01 00')), [3n, 150n, 0n]);
    assert.throws(() => readVarints(bytes('03 96')), /has no end/);
  });
});
