import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isFromDashboard } from '../../src/access/session-cookie.ts';

const HOST = { host: ['visage.example'] };
const DASHBOARD = 'https://panel.visage.example';

describe('A request is from the dashboard', () => {
  const own = { ...HOST, origin: ['https://visage.example'], 'sec-fetch-site': ['same-origin'] };
  const apart = { ...HOST, origin: [DASHBOARD], 'sec-fetch-site': ['same-site'] };

  test('where the browser names this host, or the origin that is configured', () => {
    assert.ok(isFromDashboard(own, null));
    assert.ok(isFromDashboard(own, DASHBOARD));
    assert.ok(isFromDashboard(apart, DASHBOARD));
    assert.ok(isFromDashboard({ ...HOST, 'sec-fetch-site': ['same-origin'] }, null));
    assert.ok(isFromDashboard({ ...HOST, origin: ['http://visage.example'] }, null));
  });

  test('and not where it names another, names none, or contradicts itself', () => {
    assert.ok(!isFromDashboard(apart, null));
    assert.ok(!isFromDashboard(HOST, null));
    assert.ok(!isFromDashboard({ ...own, origin: ['null'] }, null));
    assert.ok(!isFromDashboard({ ...own, origin: [...own.origin, ...own.origin] }, null));
    assert.ok(!isFromDashboard({ ...own, 'sec-fetch-site': ['cross-site'] }, DASHBOARD));
    assert.ok(!isFromDashboard({ ...own, 'sec-fetch-site': ['same-site'] }, DASHBOARD));
    assert.ok(!isFromDashboard({ ...apart, 'sec-fetch-site': ['cross-site'] }, DASHBOARD));
    assert.ok(!isFromDashboard({ ...own, host: ['a', 'b'] }, null));
    assert.ok(!isFromDashboard({ origin: ['https://undefined'] }, null));
    assert.ok(!isFromDashboard({ origin: ['https://null'] }, null));
  });
});
