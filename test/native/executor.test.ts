import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createExecutor, createGalleryIndex } from '../../src/native.ts';
import { photograph } from '../e2e/photographs.ts';
import { openPipeline, usePipeline } from './faces.ts';

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

  test('refuses searches but never a write while it is full', async () => {
    const index = createGalleryIndex(parts.executor, 2);
    const calls = Array.from({ length: 20 }, () => parts.pipeline.analyze(photograph(1), 'binary'));
    const searches = Array.from({ length: 20 }, () => index.search(Float32Array.of(1, 0), 1));
    const writes = Array.from({ length: 200 }, (_, i) =>
      i % 2 ? index.remove(BigInt64Array.of(1n)) : index.add(BigInt64Array.of(1n), Float32Array.of(1, 0)),
    );
    assert.ok(codes(await Promise.allSettled([...calls, ...searches])).includes('OVERLOADED'));
    await Promise.all(writes);
    assert.equal(index.size, 0);
  });

  test('ends what it took before it closes, and takes nothing afterwards', async () => {
    const executor = createExecutor({ threads: 2, maxQueue: 64 });
    const pipeline = await openPipeline(executor);
    const index = createGalleryIndex(executor, 2);
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
    // What settles in the same turn may be seen in another order: a turn later all of it is seen.
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
