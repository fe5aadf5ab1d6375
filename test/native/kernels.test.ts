import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { kernelProducts, searchKernels } from '../../src/native.ts';

/** The largest sum of magnitudes of a probe with which no sum of products can leave 32 bits. */
const MOST_SUM = 2 ** 24 - 1;

const [plain, others] = [searchKernels().at(-1) as string, searchKernels().slice(0, -1)];

function agree(probe: Int16Array, rows: Int8Array): void {
  const width = probe.length;
  const product = (a: ArrayLike<number>, row: number) => {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += (a[i] as number) * (rows[row * width + i] as number);
    return sum;
  };
  const count = rows.length / width;
  const wanted = Int32Array.from({ length: count }, (_, row) => product(probe, row));
  const ofCodes = Int32Array.from({ length: count }, (_, row) => product(rows, row));
  for (const kernel of [plain, ...others]) {
    assert.deepEqual(
      kernelProducts(kernel, probe, rows),
      { together: wanted, single: wanted, codes: ofCodes },
      `${kernel}, ${width} values`,
    );
  }
}

describe('the kernels of the search', () => {
  test('are all that the processor can run, and the plain one', () => {
    assert.equal(plain, 'plain');
    const known = ['avx512vnni', 'avx512bw', 'avx2', 'neon'];
    assert.deepEqual(
      others,
      known.filter((name) => others.includes(name)),
    );
    assert.equal(others.at(-1), process.arch === 'x64' ? 'avx2' : 'neon');
  });

  test('agree to the last bit on any numbers, in any width and number of rows', () => {
    const shape = fc.record({
      width: fc.integer({ min: 1, max: 20 }).map((steps) => steps * 64),
      count: fc.integer({ min: 1, max: 9 }),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(shape, ({ width, count, seed }) => {
        const most = Math.min(32767, Math.floor(MOST_SUM / width));
        let state = seed;
        const next = () => {
          state = (Math.imul(state, 1664525) + 1013904223) | 0;
          return state / 2 ** 31;
        };
        agree(
          Int16Array.from({ length: width }, () => Math.trunc(next() * most)),
          Int8Array.from({ length: width * count }, () => Math.trunc(next() * 128)),
        );
      }),
      { numRuns: 100 },
    );
  });

  test('agree where sums are as large as they can be', () => {
    for (const width of [64, 512, 576, 65536]) {
      const most = Math.min(32767, Math.floor(MOST_SUM / width));
      for (const value of [-128, 127]) {
        for (const sign of [1, -1]) {
          agree(new Int16Array(width).fill(sign * most), new Int8Array(width * 3).fill(value));
        }
      }
    }
  });

  test('refuse what does not fit, with a sentence', () => {
    const message = (text: RegExp) => ({ name: 'TypeError', message: text });
    const [probe, rows] = [new Int16Array(64), new Int8Array(64)];
    assert.throws(() => kernelProducts('sse', probe, rows), message(/kernel must be one of/));
    assert.throws(() => kernelProducts('plain', new Int16Array(65), rows), message(/a multiple of 64/));
    assert.throws(() => kernelProducts('plain', probe, new Int8Array(65)), message(/rows that many each/));
    assert.throws(() => kernelProducts('plain', rows as never, rows), message(/an Int16Array/));
  });
});
