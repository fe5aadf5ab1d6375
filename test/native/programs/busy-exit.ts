/** Ends while the addon is at work: `node busy-exit.js done | exit | throw | terminate [milliseconds]`. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { createExecutor } from '../../../src/native/executor.ts';
import { createGalleryIndex, openSearchSpace } from '../../../src/native/gallery-index.ts';
import { openPipeline } from '../../../testing/faces.ts';
import { photograph } from '../../../testing/photographs.ts';

const [how, delay = '0'] = process.argv.slice(2);

async function work() {
  const executor = createExecutor({ threads: 2, maxQueue: 1000 });
  const pipeline = await openPipeline(executor);
  const index = createGalleryIndex(executor, openSearchSpace(512));
  const image = photograph(1);
  const all: Promise<unknown>[] = [];
  for (let i = 0; i < (how === 'done' ? 2 : 100); i++) {
    all.push(pipeline.analyze(image, 'binary'));
    all.push(index.add(BigInt64Array.of(BigInt(i)), new Float32Array(512)));
    all.push(index.search(new Float32Array(512), 3));
  }
  return all;
}

if (how === 'terminate' && isMainThread) {
  const worker = new Worker(fileURLToPath(import.meta.url), { argv: process.argv.slice(2) });
  await once(worker, 'message');
  await sleep(Number(delay));
  await worker.terminate();
} else {
  const all = await work();
  parentPort?.postMessage('busy');
  if (how === 'done') await Promise.all(all);
  if (how === 'exit' || how === 'throw') {
    await sleep(Number(delay));
    if (how === 'exit') process.exit(7);
    throw new Error('In the middle of work');
  }
}
