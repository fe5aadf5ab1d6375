import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { linePlot, powersOfTen } from '../../bench/plot.ts';

const X = {
  label: 'rate',
  scale: 'log',
  from: 1e-4,
  to: 1,
  ticks: powersOfTen(1e-4, 1),
  format: String,
} as const;
const Y = {
  label: 'share <b>',
  scale: 'linear',
  from: 0,
  to: 10,
  ticks: [0, 5, 10],
  format: String,
} as const;

describe('a plot', () => {
  test('is a picture that a renderer reads, names and labels escaped', async () => {
    const svg = linePlot('A & B', X, Y, [{ name: 'one "1"', points: [[0.01, 5]] }]);
    const { width, height } = await sharp(Buffer.from(svg)).metadata();
    assert.deepEqual([width, height], [720, 420]);
    assert.match(svg, /A &amp; B/);
    assert.match(svg, /share &lt;b>/);
  });

  test('places points by their scale and leaves out what is beyond the axes', () => {
    const points = [
      [0.01, 5],
      [2, 5],
      [0.01, 11],
      [1, 10],
    ] as const;
    const svg = linePlot('t', X, Y, [{ name: 'l', points }]);
    assert.match(svg, /points="387,200 700,44"/);
  });

  test('has a tick at every power of ten', () => {
    assert.deepEqual(powersOfTen(1e-3, 10), [1e-3, 1e-2, 0.1, 1, 10]);
  });
});
