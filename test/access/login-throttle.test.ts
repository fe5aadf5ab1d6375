import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LoginThrottle } from '../../src/access/members/login-throttle.ts';
import type { VisageError } from '../../src/errors.ts';

function throttleAt(start = 1_000_000) {
  const clock = { now: start };
  return { clock, throttle: new LoginThrottle(() => clock.now) };
}

/** Seconds to wait; 0 if the attempt began. */
function wait(throttle: LoginThrottle, account: string, address = '198.51.100.7'): number {
  try {
    throttle.begin(account, address);
    return 0;
  } catch (error) {
    assert.equal((error as VisageError).code, 'RATE_LIMIT_EXCEEDED');
    return (error as VisageError).retryAfter as number;
  }
}

describe('Guessing at one account', () => {
  test('is free five times, then has to wait twice as long each time, and never longer than a minute', () => {
    const { throttle, clock } = throttleAt();
    let address = 0;
    const waits: number[] = [];
    for (let attempt = 0; attempt < 16; attempt++) {
      const seconds = wait(throttle, 'a@example.com', `198.51.100.${address++}`);
      waits.push(seconds);
      if (seconds === 0) continue;
      clock.now += seconds * 1000;
      assert.equal(wait(throttle, 'a@example.com', `198.51.100.${address++}`), 0);
    }
    assert.deepEqual(waits, [0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
  });

  test('by parallel attempts gets no more tries than by serial ones', () => {
    const { throttle } = throttleAt();
    const begun = Array.from({ length: 100 }, (_, i) => wait(throttle, 'a', `198.51.100.${i}`)).filter(
      (s) => s === 0,
    );
    assert.equal(begun.length, 6);
  });

  test('that has to wait makes the wait no longer', () => {
    const { throttle, clock } = throttleAt();
    for (let i = 0; i < 6; i++) wait(throttle, 'a', `198.51.100.${i}`);
    for (let i = 0; i < 50; i++) assert.equal(wait(throttle, 'a', '203.0.113.1'), 1);
    clock.now += 1_000;
    assert.equal(wait(throttle, 'a', '203.0.113.1'), 0);
  });

  test('is forgotten when the right password comes, and after an hour of quiet', () => {
    const { throttle, clock } = throttleAt();
    for (let i = 0; i < 4; i++) wait(throttle, 'a', `198.51.100.${i}`);
    throttle.begin('a', '203.0.113.1').succeed();
    for (let i = 0; i < 6; i++) assert.equal(wait(throttle, 'a', `198.51.100.${i}`), 0);
    assert.equal(wait(throttle, 'a'), 1);
    clock.now += 3_600_001;
    for (let i = 0; i < 6; i++) assert.equal(wait(throttle, 'a', `198.51.100.${i}`), 0);
  });

  test('leaves other accounts alone', () => {
    const { throttle } = throttleAt();
    for (let i = 0; i < 7; i++) wait(throttle, 'a', `198.51.100.${i}`);
    assert.equal(wait(throttle, 'b', '203.0.113.1'), 0);
  });
});

describe('Guessing from one address', () => {
  test('at many accounts has to wait after twenty failures', () => {
    const { throttle } = throttleAt();
    for (let i = 0; i < 21; i++) assert.equal(wait(throttle, `account ${i}`), 0);
    assert.equal(wait(throttle, 'one more'), 1);
  });

  test('at one account does not hold up the others of that address', () => {
    const { throttle, clock } = throttleAt();
    for (let i = 0; i < 100; i++) clock.now += wait(throttle, 'a') * 1000;
    for (const other of ['b', 'c', 'd']) for (let i = 0; i < 5; i++) assert.equal(wait(throttle, other), 0);
  });

  test('fades: a failure is forgotten every three minutes, also while there are others', () => {
    const { throttle, clock } = throttleAt();
    for (let i = 0; i < 200; i++) {
      assert.equal(wait(throttle, `mistyped ${i}`), 0, `failure ${i}`);
      clock.now += 170_000;
    }
    let free = 0;
    while (free < 1_000 && wait(throttle, `account ${free}`) === 0) free++;
    assert.ok(free < 21, String(free));
  });

  test('is not counted where no address is given', () => {
    const { throttle } = throttleAt();
    for (let i = 0; i < 50; i++) throttle.begin(`account ${i}`, null);
    assert.equal(wait(throttle, 'one more'), 0);
  });

  test('of IPv6 counts for its whole /64, which one client has', () => {
    const { throttle } = throttleAt();
    for (let i = 0; i < 21; i++) assert.equal(wait(throttle, `account ${i}`, `2001:db8::${i}`), 0);
    assert.equal(wait(throttle, 'one more', '2001:db8::ffff'), 1);
    assert.equal(wait(throttle, 'one more', '2001:db8:0:1::1'), 0);
  });

  test('is not washed away by logging in to an account of one’s own between', () => {
    const { throttle, clock } = throttleAt();
    let waited = 0;
    for (let i = 0; i < 30; i++) {
      for (const account of [`victim ${i}`, 'own']) {
        const seconds = wait(throttle, account);
        if (seconds > 0) {
          waited += seconds;
          clock.now += seconds * 1000;
        }
      }
      const own = () => throttle.begin('own', '198.51.100.7');
      try {
        own().succeed();
      } catch {}
    }
    assert.ok(waited > 100, String(waited));
  });

  test('that came to no outcome does not count', () => {
    const { throttle } = throttleAt();
    for (let i = 0; i < 100; i++) throttle.begin('a', '198.51.100.7').cancel();
    assert.equal(wait(throttle, 'a'), 0);
  });
});
