import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  checkRequestForgery,
  csrfTokenOf,
  isFromDashboard,
} from '../../src/access/members/session-cookie.ts';

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

describe('A change that a session cookie speaks for', () => {
  const headers = { ...HOST, origin: ['https://visage.example'], 'sec-fetch-site': ['same-origin'] };
  const right = csrfTokenOf('a session');
  const check = (sent: string | undefined, method = 'POST') =>
    checkRequestForgery(
      { ...headers, ...(sent === undefined ? {} : { 'x-csrf-token': [sent] }) },
      method,
      'a session',
      null,
    );

  test('needs the token of that session from the dashboard', () => {
    assert.doesNotThrow(() => check(right));
    assert.throws(
      () => checkRequestForgery({ ...HOST, 'x-csrf-token': [right] }, 'POST', 'a session', null),
      { code: 'PERMISSION_DENIED' },
    );
  });

  test('is refused with no token, a shorter one, and another one of the same length', () => {
    const last = right.at(-1) === 'A' ? 'B' : 'A';
    const others = [
      undefined,
      '',
      right.slice(1),
      `${right}A`,
      right.slice(0, -1) + last,
      csrfTokenOf('another'),
    ];
    for (const other of others) assert.throws(() => check(other), { code: 'PERMISSION_DENIED' }, `${other}`);
  });

  test('is no matter of reading', () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) assert.doesNotThrow(() => check(undefined, method));
  });
});
