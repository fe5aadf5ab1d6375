import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openSearchSpace } from '../../src/native/gallery-index.ts';
import { evenSpaceFile } from '../../testing/search-spaces.ts';

const OPTIONS = { dimension: 96, rank: 64 };
const HEAD = 24;

function changed(change: (file: Buffer) => void): Buffer {
  const file = evenSpaceFile(OPTIONS);
  change(file);
  return file;
}

describe('The search space file of a pack', () => {
  test('opens with its sizes', () => {
    const { dimension, rank, subquantizers } = openSearchSpace(evenSpaceFile(OPTIONS));
    assert.deepEqual([dimension, rank, subquantizers], [96, 64, 32]);
  });

  const file = evenSpaceFile(OPTIONS);
  for (const [name, damaged, expected] of [
    ['empty', Buffer.alloc(0), /cut off/],
    ['cut off in its head', file.subarray(0, HEAD - 1), /cut off/],
    ['cut off at its end', file.subarray(0, -4), /not as long/],
    ['longer than its sizes say', Buffer.concat([file, Buffer.alloc(4)]), /not as long/],
    ['another kind of file', changed((bytes) => bytes.write('X')), /not a search space/],
    ['of another format', changed((bytes) => bytes.writeUInt32LE(2, 8)), /another version/],
    ['of no dimension', changed((bytes) => bytes.writeUInt32LE(0, 12)), /sizes/],
    ['of a rank above its dimension', changed((bytes) => bytes.writeUInt32LE(128, 16)), /sizes/],
    ['of a rank that is no multiple of 32', changed((bytes) => bytes.writeUInt32LE(65, 16)), /sizes/],
    ['of no rank', changed((bytes) => bytes.writeUInt32LE(0, 16)), /sizes/],
    ['of an odd number of parts', changed((bytes) => bytes.writeUInt32LE(1, 20)), /sizes/],
    ['of parts that do not divide the rank', changed((bytes) => bytes.writeUInt32LE(48, 20)), /sizes/],
    ['of endless sizes', changed((bytes) => bytes.fill(0xff, 12, HEAD)), /sizes/],
    [
      'with a value that is no number',
      changed((bytes) => bytes.writeFloatLE(Number.NaN, HEAD + 8)),
      /finite/,
    ],
    ['with a direction of another length', changed((bytes) => bytes.writeFloatLE(2, HEAD)), /length 1/],
  ] as const) {
    test(`is refused if it is ${name}`, () => {
      assert.throws(() => openSearchSpace(damaged), expected);
    });
  }
});
