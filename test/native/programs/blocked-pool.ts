/** Needs UV_THREADPOOL_SIZE=1. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecutor } from '../../../src/native/executor.ts';
import { openPipeline } from '../../../testing/faces.ts';
import { photograph } from '../../../testing/photographs.ts';

const executor = createExecutor({ threads: 1, maxQueue: 8 });
const pipeline = await openPipeline(executor);
const image = photograph(1);

const folder = mkdtempSync(join(tmpdir(), 'visage-'));
const fifo = join(folder, 'fifo');
execFileSync('mkfifo', [fifo]);
const reader = open(fifo, 'r');
let poolWorks = false;
const behindIt = stat(folder).then(() => {
  poolWorks = true;
});

const { faces } = await pipeline.analyze(image, 'binary');
assert.equal(poolWorks, false, 'the pool was blocked all the time');
console.log(`${faces.length} faces while the pool was blocked`);

const writer = openSync(fifo, constants.O_RDWR);
await (await reader).close();
await behindIt;
closeSync(writer);
rmSync(folder, { recursive: true });
await executor.close();
