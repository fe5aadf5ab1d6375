import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { test } from 'node:test';
import { createExecutor } from '../../src/native/executor.ts';

function turnOf(thread: string): number | undefined {
  const found = /^se\.slice\s*:\s*(\d+)/m.exec(readFileSync(`/proc/self/task/${thread}/sched`, 'utf8'));
  return found ? Number(found[1]) / 1e6 : undefined;
}

/** Needs Linux 6.12. */
function takesTurns(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return (major > 6 || (major === 6 && minor >= 12)) && turnOf(String(process.pid)) !== undefined;
}

const skip = takesTurns() ? false : 'the kernel does not give threads turns of their own, or does not tell';

test('The JavaScript thread has short turns beside an executor, and none of the others', {
  skip,
}, async () => {
  const own = String(process.pid);
  const usual = turnOf(own);
  const executors = [
    createExecutor({ threads: 2, maxQueue: 1 }),
    createExecutor({ threads: 2, maxQueue: 1 }),
  ];
  assert.equal(turnOf(own), 0.1);
  const others = readdirSync('/proc/self/task').filter((thread) => thread !== own);
  assert.ok(others.length >= 4);
  for (const thread of others) assert.equal(turnOf(thread), usual);
  await Promise.all(executors.map((executor) => executor.close()));
});
