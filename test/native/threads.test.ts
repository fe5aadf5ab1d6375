import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { usePipeline } from '../../testing/faces.ts';
import { photograph } from '../../testing/photographs.ts';

const parts = usePipeline();

const program = (name: string) => fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));

async function run(name: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [program(name), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const [code, signal] = await once(child, 'close');
  return { code, signal, output };
}

describe('work on pictures', () => {
  test('leaves the JavaScript thread free', async () => {
    let turns = 0;
    let busy = true;
    const turn = () => {
      turns++;
      if (busy) setImmediate(turn);
    };
    turn();
    await Promise.all([1, 2, 3, 4].map((n) => parts.pipeline.analyze(photograph(n), 'binary')));
    busy = false;
    assert.ok(turns > 100, `${turns} turns of the event loop`);
  });

  test('goes on while the only thread of libuv is blocked', async () => {
    assert.deepEqual(await run('blocked-pool', [], { UV_THREADPOOL_SIZE: '1' }), {
      code: 0,
      signal: null,
      output: '3 faces while the pool was blocked\n',
    });
  });

  test('runs in several worker threads at once', async () => {
    const workers = [1, 2, 3].map((n) => new Worker(program('worker'), { workerData: n }));
    const [main, ...counts] = await Promise.all([
      parts.pipeline.analyze(photograph(5), 'binary'),
      ...workers.map(async (worker) => (await once(worker, 'message'))[0] as number),
    ]);
    assert.equal(main.faces.length, 5);
    assert.deepEqual(counts, [3, 3, 3]);
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  test('lets the process end when it is done, without a word to close', async () => {
    assert.deepEqual(await run('busy-exit', ['done']), { code: 0, signal: null, output: '' });
  });

  for (const [how, code] of [
    ['exit', 7],
    ['throw', 1],
    ['terminate', 0],
  ] as const) {
    test(`survives the end of its environment by ${how} in the middle of it`, async () => {
      for (const delay of [0, 30]) {
        const ended = await run('busy-exit', [how, String(delay)]);
        assert.deepEqual([ended.code, ended.signal], [code, null], ended.output);
      }
    });
  }
});
