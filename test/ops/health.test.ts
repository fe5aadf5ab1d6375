import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHECKS, Health } from '../../src/ops/health.ts';

test('a service is ready when every check has passed, and not any more when it stops', () => {
  const health = new Health();
  for (const check of CHECKS) {
    assert.equal(health.report().ready, false);
    health.pass(check);
    assert.equal(health.report().checks[check], true);
  }
  assert.equal(health.report().ready, true);
  health.fail('indexConsistent');
  assert.equal(health.report().ready, false);
  health.pass('indexConsistent');
  health.stop();
  assert.deepEqual([health.report().ready, health.report().stopping], [false, true]);
});
