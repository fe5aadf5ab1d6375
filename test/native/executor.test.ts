import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createExecutor } from '../../src/native/executor.ts';
import { createGalleryIndex, openSearchSpace } from '../../src/native/gallery-index.ts';
import type { Analysis } from '../../src/native/pipeline.ts';
import { openPipeline, usePipeline } from '../../testing/faces.ts';
import { photograph } from '../../testing/photographs.ts';

const parts = usePipeline({ threads: 1, maxQueue: 2 });

const codes = (results: PromiseSettledResult<unknown>[]) =>
  results.map((result) =>
    result.status === 'fulfilled' ? 'done' : (result.reason as { code: string }).code,
  );

describe('the executor', () => {
  test('answers OVERLOADED beyond its queue, and works on when there is room again', async () => {
    const calls = Array.from({ length: 20 }, () => parts.pipeline.analyze(photograph(1), 'binary'));
    const { threads, queued, running } = parts.executor.stats();
    assert.equal(threads, 1);
    assert.ok(queued + running >= 1 && queued + running <= 3);
    const outcome = codes(await Promise.allSettled(calls));
    assert.deepEqual(outcome.slice(0, 3), ['done', 'done', 'done']);
    assert.ok(outcome.includes('OVERLOADED'));
    assert.equal((await parts.pipeline.analyze(photograph(1), 'binary')).faces.length, 3);
    const { ended, ...now } = parts.executor.stats();
    assert.deepEqual(now, { threads: 1, queued: 0, running: 0 });
    const { length: done } = outcome.filter((each) => each === 'done');
    assert.ok(ended > done, `${done} pictures and one more were done, ${ended} jobs ended`);
  });

  test('never refuses work on an index, and does it before the pictures that wait', async () => {
    const index = createGalleryIndex(parts.executor, openSearchSpace(2));
    const order: string[] = [];
    const pictures = Array.from({ length: 3 }, () =>
      parts.pipeline.analyze(photograph(1), 'binary').then(() => order.push('picture')),
    );
    await assert.rejects(parts.pipeline.analyze(photograph(1), 'binary'), { code: 'OVERLOADED' });
    const looks = Array.from({ length: 200 }, (_, i) => [
      i % 2 ? index.remove(BigInt64Array.of(1n)) : index.add(BigInt64Array.of(1n), Float32Array.of(1, 0)),
      index.search(Float32Array.of(1, 0), 1),
    ]).flat();
    const looked = Promise.all(looks).then(() => order.push('looks'));
    await Promise.all([...pictures, looked]);
    assert.equal(order.length, 4);
    assert.ok(order.indexOf('looks') <= 1, order.join(', '));
    assert.equal(index.size, 0);
  });

  test('gives the same to the bit when idle threads share a picture', async () => {
    const executor = createExecutor({ threads: 4, maxQueue: 4 });
    const pipeline = await openPipeline(executor);
    for (const request of [{ described: 9, attributes: true, liveness: true }, { largestOnly: true }]) {
      const [shared, alone] = await Promise.all(
        [pipeline, parts.pipeline].map((each) => each.analyze(photograph(5), 'binary', request)),
      );
      const { timings: _, ...seen } = shared as Analysis;
      const { timings: __, ...expected } = alone as Analysis;
      assert.deepEqual(seen, expected);
    }
    await executor.close();
  });

  test('ends what it took before it closes, and takes nothing afterwards', async () => {
    const executor = createExecutor({ threads: 2, maxQueue: 64 });
    const pipeline = await openPipeline(executor);
    const index = createGalleryIndex(executor, openSearchSpace(2));
    const settled: string[] = [];
    const work = [1, 2, 3].map((n) =>
      pipeline.analyze(photograph(n), 'binary').then(() => settled.push('photograph')),
    );
    for (let i = 0; i < 10; i++) {
      work.push(
        index.add(BigInt64Array.of(BigInt(i)), Float32Array.of(1, 0)).then(() => settled.push('write')),
      );
      work.push(index.search(Float32Array.of(1, 0), 1).then(() => settled.push('search')));
    }
    const closed = executor
      .close()
      .then(() => new Promise((resolve) => setImmediate(resolve)))
      .then(() => settled.push('closed'));
    const late = codes(
      await Promise.allSettled([
        pipeline.analyze(photograph(1), 'binary'),
        index.add(BigInt64Array.of(1n), Float32Array.of(1, 0)),
      ]),
    );
    assert.deepEqual(late, ['NOT_READY', 'NOT_READY']);
    await Promise.all([...work, closed]);
    assert.equal(settled.length, 24);
    assert.equal(settled.at(-1), 'closed');
    assert.equal(index.size, 10);
    await executor.close();
  });

  test('refuses sizes that make no sense, with a sentence', () => {
    assert.throws(() => createExecutor({ threads: 0, maxQueue: 1 }), {
      name: 'TypeError',
      message: /threads must be a whole number, 1\.\.256/,
    });
    assert.throws(() => createExecutor({ threads: 1, maxQueue: 1.5 }), {
      message: /maxQueue must be a whole number/,
    });
  });
});
