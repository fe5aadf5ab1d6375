import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { createExecutor, type Executor } from '../../src/native/executor.ts';
import { decodeImage, type Tenant } from '../../src/native/pipeline.ts';
import { usePipeline } from '../../testing/faces.ts';
import { photograph } from '../../testing/photographs.ts';

const LARGE = { width: 4000, height: 3000, channels: 3, background: 'teal' } as const;
const LARGEST = { ...LARGE, width: 8000, height: 4900 } as const;
const FILES: Readonly<Record<string, () => Promise<Buffer> | Buffer>> = {
  HEIC: () => readFileSync(new URL('../../../test/fixtures/wild/reported/flat.heic', import.meta.url)),
  AVIF: () => sharp({ create: LARGE }).avif({ effort: 0 }).toBuffer(),
  WebP: () => sharp({ create: LARGE }).webp({ lossless: true, effort: 0 }).toBuffer(),
  'JPEG 2000': () => readFileSync(new URL('../../../test/fixtures/wild/reported/flat.jp2', import.meta.url)),
};

/** Names of the images in the order of their answers. */
async function orderOf(
  executor: Executor,
  images: readonly (readonly [string, Buffer])[],
): Promise<string[]> {
  const order: string[] = [];
  await Promise.all(
    images.map(async ([name, image]) => {
      await decodeImage(executor, image);
      order.push(name);
    }),
  );
  assert.equal(executor.stats().queued, 0);
  return order;
}

describe('Images that a library decodes in one go', () => {
  for (const [format, make] of Object.entries(FILES)) {
    test(`leave a thread to other images: ${format}`, async () => {
      const large = await make();
      const executor = createExecutor({ threads: 2, maxQueue: 64 });
      const order = await orderOf(executor, [
        ...Array.from({ length: 4 }, () => ['large', large] as const),
        ['small', photograph(1)],
      ]);
      assert.deepEqual(order, ['small', 'large', 'large', 'large', 'large']);
      await executor.close();
    });
  }

  test('use the other threads', async () => {
    const [slow, quick] = await Promise.all([
      sharp({ create: LARGEST }).webp({ lossless: true, effort: 0 }).toBuffer(),
      sharp({ create: { ...LARGE, width: 1000, height: 1000 } })
        .webp({ lossless: true, effort: 0 })
        .toBuffer(),
    ]);
    const executor = createExecutor({ threads: 3, maxQueue: 64 });
    const order = await orderOf(executor, [
      ['slow', slow],
      ...Array.from({ length: 4 }, () => ['quick', quick] as const),
    ]);
    assert.equal(order.at(-1), 'slow');
    await executor.close();
  });

  test('are answered on the only thread', async () => {
    const executor = createExecutor({ threads: 1, maxQueue: 64 });
    const large = await sharp({ create: LARGE }).webp({ lossless: true, effort: 0 }).toBuffer();
    const answers = orderOf(
      executor,
      Array.from({ length: 3 }, () => ['large', large] as const),
    );
    const closed = executor.close();
    assert.equal((await answers).length, 3);
    await closed;
  });
});

describe('Images that wait for a thread', () => {
  const parts = usePipeline({ threads: 2, maxQueue: 2 });
  const A: Tenant = { account: 'a', key: 'a1' };
  const B: Tenant = { account: 'b', key: 'b1' };

  test('give up their places in a full queue to another account', async () => {
    const large = await sharp({ create: LARGEST }).webp({ lossless: true, effort: 0 }).toBuffer();
    const analyze = (image: Buffer, tenant: Tenant) =>
      parts.pipeline.analyze(image, 'binary', { template: false, described: 0 }, tenant).then(
        () => 'answered',
        (error: { code?: string }) => error.code,
      );
    const first = Array.from({ length: 3 }, () => analyze(large, A));
    assert.equal(await analyze(photograph(1), B), 'answered');
    const second = [analyze(photograph(1), B), analyze(photograph(1), B)];
    assert.deepEqual(await Promise.all(second), ['answered', 'answered']);
    assert.deepEqual(await Promise.all(first), ['answered', 'answered', 'OVERLOADED']);
  });
});
