import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { thresholdPlot } from '../../bench/threshold-plot.ts';
import { ROOT } from '../../testing/service.ts';

test('the plot of thresholds in the docs shows what the service computes', () => {
  assert.equal(readFileSync(join(ROOT, 'docs/images/thresholds.svg'), 'utf8'), thresholdPlot());
});
