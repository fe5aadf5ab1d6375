import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { utcNow } from '../../src/access/tokens/utc-clock.ts';

test('The time with seven digits follows the system clock when somebody sets it', (t) => {
  t.after(() => mock.timers.reset());
  for (const hours of [1, -2, 0]) {
    const set = Math.floor(Date.UTC(2026, 0, 26, 12) + hours * 3_600_000);
    mock.timers.reset();
    mock.timers.enable({ apis: ['Date'], now: set });
    const times = [utcNow(), utcNow()];
    for (const time of times) {
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
      assert.ok(Math.abs(Date.parse(time) - set) < 1_000, `${time}, set to ${new Date(set).toISOString()}`);
    }
    assert.ok((times[0] as string) < (times[1] as string), `${times}`);
  }
});
