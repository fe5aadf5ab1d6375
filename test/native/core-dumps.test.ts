import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createExecutor } from '../../src/native/executor.ts';
import { createGalleryIndex, openSearchSpace } from '../../src/native/gallery-index.ts';
import { ROOT, startChild, temporaryFolder } from '../../testing/service.ts';

function undumped(): number[] {
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return mappings
    .filter((mapping) => / dd( |$)/m.test(/^VmFlags:(.*)$/m.exec(mapping)?.[1] ?? ''))
    .map((mapping) => Number(/^Size:\s+(\d+) kB/m.exec(mapping)?.[1]) * 1024);
}

const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
const skip = pattern === 'core' ? false : 'the kernel does not write core dumps to the working folder';

async function coreOf(child: ChildProcess): Promise<boolean> {
  execFileSync('prlimit', ['--pid', String(child.pid), '--core=unlimited']);
  const ended = once(child, 'close');
  child.kill('SIGABRT');
  await ended;
  const files = ['core', `core.${child.pid}`].map((name) => join(ROOT, name)).filter(existsSync);
  for (const file of files) rmSync(file);
  return files.length > 0;
}

describe('A core dump', () => {
  test('leaves out the templates of a gallery', async () => {
    const total = () => undumped().reduce((sum, bytes) => sum + bytes, 0);
    const executor = createExecutor({ threads: 2, maxQueue: 16 });
    const index = createGalleryIndex(executor, openSearchSpace(512));
    const before = total();
    const faces = 20_000;
    const labels = BigInt64Array.from({ length: faces }, (_, i) => BigInt(i));
    await index.add(
      labels,
      Float32Array.from({ length: faces * 512 }, () => Math.random() - 0.5),
    );
    assert.ok(total() - before > (faces * 1024) / 2, `${total() - before} bytes of a gallery`);
    await executor.close();
  });

  test('is not made of a service that crashes, whatever its limits allow', { skip }, async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { cwd: ROOT });
    await once(other, 'spawn');
    assert.equal(await coreOf(other), true);

    const folder = await temporaryFolder();
    const child = await startChild(folder.path);
    assert.equal(await coreOf(child.process), false);
    await folder.remove();
  });
});
