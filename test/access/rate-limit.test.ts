import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RateLimiter, rateLimitHeaders } from '../../src/access/gate/rate-limit.ts';

function standing(maxSubjects?: number) {
  const clock = { now: 1_000_000 };
  return { clock, limiter: new RateLimiter(() => clock.now, maxSubjects) };
}

function admitted(limiter: RateLimiter, limit: number, tries: number, subject = 'a'): number {
  return Array.from({ length: tries }, () => limiter.take(subject, limit)).filter(
    (verdict) => verdict.admitted,
  ).length;
}

describe('A limit of requests a minute', () => {
  test('lets in exactly that many at once, for every limit', () => {
    for (const limit of [1, 2, 3, 7, 20, 60, 99, 100, 500, 997, 1_000_000 / 50]) {
      assert.equal(admitted(standing().limiter, limit, limit + 5), limit, String(limit));
    }
  });

  test('lets one more in each 60/n seconds, not a millisecond before', () => {
    const { clock, limiter } = standing();
    admitted(limiter, 20, 20);
    clock.now += 2_999;
    assert.equal(admitted(limiter, 20, 3), 0);
    clock.now += 1;
    assert.equal(admitted(limiter, 20, 3), 1);
    clock.now += 60_000;
    assert.equal(admitted(limiter, 20, 30), 20);
  });

  test('never lets in more than twice its number in a minute, nor than its rate in ten', () => {
    const { clock, limiter } = standing();
    let total = 0;
    for (let ms = 0; ms < 600_000; ms += 250) {
      clock.now += 250;
      total += admitted(limiter, 20, 2);
    }
    assert.ok(total <= 20 + 200 && total >= 200, String(total));
  });

  test('is one of each subject', () => {
    const { limiter } = standing();
    assert.equal(admitted(limiter, 3, 5, 'a'), 3);
    assert.equal(admitted(limiter, 3, 5, 'b'), 3);
  });

  test('that is changed counts from the next request on', () => {
    const { limiter } = standing();
    admitted(limiter, 20, 20);
    assert.equal(admitted(limiter, 25, 10), 5);
    assert.equal(admitted(limiter, 10, 1), 0);
  });

  test('says what is left and when to come again', () => {
    const { limiter } = standing();
    const first = limiter.take('a', 20);
    assert.deepEqual(rateLimitHeaders('key', first), {
      'RateLimit-Policy': '"key";q=20;w=60',
      RateLimit: '"key";r=19;t=3',
    });
    admitted(limiter, 20, 19);
    const refused = limiter.take('a', 20);
    assert.deepEqual([refused.remaining, refused.reset, refused.retryAfter], [0, 60, 3]);
    assert.equal(rateLimitHeaders('key', refused)['Retry-After'], '3');
  });

  test('remembers no more subjects than it may, and of those who owe something the latest', () => {
    const { limiter } = standing(100);
    for (let i = 0; i < 1000; i++) admitted(limiter, 1, 1, String(i));
    assert.ok(limiter.size <= 100);
    assert.equal(admitted(limiter, 1, 1, '999'), 0);
  });

  test('forgets first who has not come for the longest time', () => {
    const { limiter } = standing(3);
    for (const subject of ['a', 'b', 'c']) admitted(limiter, 1, 1, subject);
    assert.equal(admitted(limiter, 1, 1, 'a'), 0);
    admitted(limiter, 1, 1, 'd');
    assert.equal(limiter.size, 3);
    assert.deepEqual(
      ['a', 'c', 'd'].map((subject) => admitted(limiter, 1, 1, subject)),
      [0, 0, 0],
    );
    assert.equal(admitted(limiter, 1, 1, 'b'), 1);
  });
});
