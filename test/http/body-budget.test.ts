import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BodyBudget, FairShares } from '../../src/http/body-budget.ts';
import type { Tenant } from '../../src/native/pipeline.ts';

const A: Tenant = { account: 'a', key: 'a1' };
const A2: Tenant = { account: 'a', key: 'a2' };

function fill(shares: FairShares, tenant: Tenant): number {
  let count = 0;
  for (; shares.fits(tenant, 1); count++) shares.add(tenant, 1);
  return count;
}

describe('A fair share', () => {
  test('leaves room whatever one key, one account or several take', () => {
    const shares = new FairShares(1000, 1);
    assert.equal(fill(shares, A), 640);
    assert.equal(fill(shares, A2), 128);
    assert.ok(shares.held <= 800);
    for (const account of ['b', 'c', 'd']) assert.ok(fill(shares, { account, key: 'k' }) > 5);
    assert.ok(shares.held < 1000);
  });

  test('shrinks as others hold more, and no tenant below it is refused', () => {
    const shares = new FairShares(1000, 1);
    shares.add({ account: 'b', key: 'b1' }, 400);
    assert.equal(fill(shares, A), 384);
    assert.ok(!shares.fits({ account: 'b', key: 'b1' }, 1));
    assert.ok(shares.fits({ account: 'c', key: 'c1' }, 100));
  });

  test('lets every account have a little while there is any, and none beyond the whole', () => {
    const shares = new FairShares(10, 1);
    for (let i = 0; i < 10; i++) {
      const tenant = { account: `account ${i}`, key: '' };
      assert.ok(shares.fits(tenant, 1));
      shares.add(tenant, 1);
    }
    assert.ok(!shares.fits({ account: 'one more', key: '' }, 1));
  });

  test('is there again when it is given back, and nothing is kept of who had it', () => {
    const shares = new FairShares(1000, 1);
    const count = fill(shares, A);
    shares.add(A, -count);
    assert.equal(shares.held, 0);
    assert.equal(shares.heldBy('a'), 0);
    assert.equal(fill(shares, A), count);
  });
});

describe('What a request holds of the memory for bodies', () => {
  test('is refused with the figures of its account, and counts nothing then', () => {
    const budget = new BodyBudget(100_000_000);
    const hold = budget.open(A);
    hold.take(60_000_000);
    assert.throws(() => hold.take(10_000_000), { code: 'OVERLOADED', message: /hold 60 of 100 MB/ });
    assert.throws(() => budget.open(A).check(10_000_000), { code: 'OVERLOADED' });
    assert.equal(budget.held, 60_000_000);
  });

  test('is given back once, however often it is given', () => {
    const budget = new BodyBudget(1000);
    const [one, other] = [budget.open(A), budget.open(A)];
    one.take(100);
    other.take(10);
    one.give(60);
    one.give(60);
    one.close();
    one.close();
    assert.equal(budget.held, 10);
    other.close();
    assert.equal(budget.held, 0);
  });

  test('says how many requests of its account are open', () => {
    const budget = new BodyBudget(1000);
    const holds = [budget.open(A), budget.open(A2), budget.open({ account: 'b', key: 'b1' })];
    assert.deepEqual(
      holds.map(({ requests }) => requests),
      [2, 2, 1],
    );
    holds[1]?.close();
    holds[1]?.close();
    assert.equal(holds[0]?.requests, 1);
  });
});
