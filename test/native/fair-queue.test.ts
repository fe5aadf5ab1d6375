import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import sharp from 'sharp';
import type { Tenant } from '../../src/native/pipeline.ts';
import { usePipeline } from '../../testing/faces.ts';
import { photograph } from '../../testing/photographs.ts';

const PLACES = 9;
const parts = usePipeline({ threads: 1, maxQueue: PLACES - 1 });

const A: Tenant = { account: 'a', key: 'a1' };
const A2: Tenant = { account: 'a', key: 'a2' };
const B: Tenant = { account: 'b', key: 'b1' };

class Order {
  readonly names: string[] = [];
  readonly refusals: string[] = [];
  readonly #all: Promise<unknown>[] = [];

  add(count: number, name: string, tenant: Tenant, image = photograph(1)): void {
    for (let i = 0; i < count; i++) {
      const request = { template: false, described: 0 };
      const work = parts.pipeline.analyze(image, 'binary', request, tenant).then(
        () => this.names.push(name),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'OVERLOADED');
          this.names.push(`!${name}`);
          this.refusals.push(error.message);
        },
      );
      this.#all.push(work);
    }
  }

  count(name: string): number {
    return this.names.filter((each) => each === name).length;
  }

  async ended(): Promise<void> {
    await Promise.all(this.#all);
    assert.equal(parts.executor.stats().queued, 0);
  }
}

describe('the queue of images', () => {
  test('is used whole by one account, on the threads that there are', async () => {
    const order = new Order();
    order.add(PLACES + 5, 'a', A);
    let most = 0;
    const watch = order.ended().then(() => 'ended');
    while ((await Promise.race([watch, nextTurn()])) !== 'ended') {
      most = Math.max(most, parts.executor.stats().running);
    }
    assert.equal(order.count('a'), PLACES);
    assert.equal(order.count('!a'), 5);
    assert.equal(most, 1);
    assert.match(order.refusals[0] ?? '', /this account holds 9 of its 9 places/);
  });

  test('refuses the newest images of the account that holds most, in place of another account', async () => {
    const order = new Order();
    order.add(PLACES, 'a', A);
    order.add(4, 'b', B);
    await order.ended();
    assert.equal(order.count('!b'), 0);
    assert.equal(order.count('b'), 4);
    assert.equal(order.count('!a'), 4);
    assert.match(order.refusals[0] ?? '', /this key held [5-9] of its 9 places/);
  });

  test('gives no account more than its share where two are greedy', async () => {
    const order = new Order();
    order.add(PLACES, 'a', A);
    order.add(2 * PLACES, 'b', B);
    await order.ended();
    assert.ok(order.count('a') >= 4, `${order.count('a')} of the first account`);
    assert.ok(order.count('b') >= 4, `${order.count('b')} of the second account`);
    assert.equal(order.count('a') + order.count('b'), PLACES);
  });

  test('shares the places of an account between its keys', async () => {
    const order = new Order();
    order.add(PLACES, 'a1', A);
    order.add(4, 'a2', A2);
    await order.ended();
    assert.equal(order.count('!a2'), 0);
    assert.equal(order.count('!a1'), 4);
  });

  test('begins an image of an idle account at once, however many of another wait', async () => {
    const huge = await sharp({ create: { width: 8000, height: 4900, channels: 3, background: 'teal' } })
      .gif()
      .toBuffer();
    const order = new Order();
    order.add(4, 'a', A, huge);
    order.add(1, 'b', B);
    await order.ended();
    assert.deepEqual(order.names.slice(0, 1), ['b']);
  });

  test('counts the time that images took, not their number', async () => {
    const huge = await sharp({ create: { width: 8000, height: 4900, channels: 3, background: 'teal' } })
      .gif()
      .toBuffer();
    const small = await sharp(photograph(1)).resize(320).jpeg().toBuffer();
    const order = new Order();
    order.add(4, 'huge', A, huge);
    order.add(5, 'small', A2, small);
    await order.ended();
    // In turns, each small image would wait for a huge one.
    assert.ok(
      order.names.indexOf('huge', order.names.indexOf('huge') + 1) > order.names.lastIndexOf('small'),
      order.names.join(', '),
    );
  });

  test('does not let an account that was idle save up time', async () => {
    const order = new Order();
    order.add(3, 'a', A);
    await order.ended();
    order.add(4, 'b', B);
    order.add(4, 'a', A);
    await order.ended();
    // Were b owed the time that a had alone, all of b's images would end before a's.
    const { names } = order;
    assert.ok(names.indexOf('a', 3) < names.lastIndexOf('b'), names.join(', '));
  });
});
