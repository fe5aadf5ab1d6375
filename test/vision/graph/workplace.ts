import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, before, beforeEach } from 'node:test';
import { pino } from 'pino';
import { createExecutor, type Executor } from '../../../src/native/executor.ts';
import { compareNetworks, type NetworkComparison } from '../../../src/native/networks.ts';
import type { Log } from '../../../src/ops/log.ts';

export interface Workplace {
  readonly folder: string;
  readonly executor: Executor;
  readonly log: Log;
  readonly lines: Record<string, unknown>[];
  emptyFolder(): string;
  compare(original: Uint8Array, changed: Uint8Array, inputs: Float32Array): Promise<NetworkComparison>;
}

export function workplace(threads: number): Workplace {
  let folder: string;
  let executor: Executor;
  const lines: Record<string, unknown>[] = [];
  const write = (line: Buffer, _: unknown, done: () => void) => {
    lines.push(JSON.parse(line.toString()));
    done();
  };
  const log = pino(new Writable({ write }));
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
    executor = createExecutor({ threads, maxQueue: 16 * threads });
  });
  beforeEach(() => {
    lines.length = 0;
  });
  after(async () => {
    await executor.close();
    rmSync(folder, { recursive: true });
  });
  return {
    get folder() {
      return folder;
    },
    get executor() {
      return executor;
    },
    log,
    lines,
    emptyFolder: () => mkdtempSync(join(folder, 'empty-')),
    compare: (original, changed, inputs) => {
      const files = [join(folder, 'original.onnx'), join(folder, 'changed.onnx')] as const;
      writeFileSync(files[0], original);
      writeFileSync(files[1], changed);
      return compareNetworks(executor, ...files, inputs);
    },
  };
}
