/** Writes the plot of thresholds by gallery size and false positive rate: `node dist/bench/threshold-plot.js`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { falseMatchRateFor, isCovered, thresholdAt } from '../src/vision/false-match-rate.ts';
import { linePlot, powersOfTen } from './plot.ts';

const RATES = [0.1, 0.01, 0.001, 0.0001];
const LEAST = 1e-6;
const STEPS_A_DECADE = 20;

/** SVG. */
export function thresholdPlot(): string {
  const sizes = Array.from({ length: 6 * STEPS_A_DECADE + 1 }, (_, i) =>
    Math.round(10 ** (i / STEPS_A_DECADE)),
  );
  return linePlot(
    'Threshold of a false positive rate, by number of faces',
    {
      label: 'faces that a search compares with',
      scale: 'log',
      from: 1,
      to: 1e6,
      ticks: powersOfTen(1, 1e6),
      format: (count) => count.toLocaleString('en'),
    },
    {
      label: 'faceMatchThreshold',
      scale: 'linear',
      from: 50,
      to: 100,
      ticks: [50, 60, 70, 80, 90, 95],
      format: String,
    },
    RATES.map((rate) => ({
      name: `rate ${rate}`,
      points: sizes
        .map((size) => [size, falseMatchRateFor(rate, size)] as const)
        .filter(([, needed]) => isCovered(needed, LEAST))
        .map(([size, needed]) => [size, thresholdAt(needed)] as const),
    })),
  );
}

if (import.meta.filename === process.argv[1]) {
  writeFileSync(join(import.meta.dirname, '../../docs/images/thresholds.svg'), thresholdPlot());
}
