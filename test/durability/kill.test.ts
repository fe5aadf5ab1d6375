import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killRepeatedly } from './rounds.ts';

test('what was acknowledged survives 12 kills amid writing, and nothing half-done shows', async () => {
  const report = await killRepeatedly(12, 1);
  assert.deepEqual(report.problems, []);
  assert.ok(report.acknowledgedFaces > 60, `only ${report.acknowledgedFaces} faces were acknowledged`);
});
