import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Provider } from '../../src/native/device.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { loadPipeline } from '../../src/native/pipeline.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { ROOT } from '../../testing/service.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

const RUNTIME = `node_modules/onnxruntime-node/bin/napi-v6/linux/${process.arch}`;
const ADDON = 'build/Release/visage.node';
const LIBRARIES = {
  shared: 'libonnxruntime_providers_shared.so',
  cuda: 'libonnxruntime_providers_cuda.so',
  tensorrt: 'libonnxruntime_providers_tensorrt.so',
};

describe('A provider of ONNX Runtime', () => {
  test('is only believed where its libraries are beside the runtime, and load', (t) => {
    // The addon looks beside the runtime that it was loaded with.
    const folder = temporaryFolder(t);
    for (const file of [ADDON, `${RUNTIME}/libonnxruntime.so.1`]) {
      mkdirSync(join(folder, file, '..'), { recursive: true });
      copyFileSync(join(ROOT, file), join(folder, file));
    }
    const why = (provider: Provider): unknown => {
      const program = `console.log(JSON.stringify(require(${JSON.stringify(join(folder, ADDON))}).whyUnavailable('${provider}')))`;
      return JSON.parse(execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' }));
    };
    const place = (library: string) => writeFileSync(join(folder, RUNTIME, library), 'no library');
    assert.equal(why('cpu'), null);
    assert.match(String(why('cuda')), /^libonnxruntime_providers_shared\.so is missing beside/);
    place(LIBRARIES.shared);
    assert.match(String(why('cuda')), /^libonnxruntime_providers_cuda\.so is missing beside/);
    place(LIBRARIES.cuda);
    assert.match(String(why('tensorrt')), /^libonnxruntime_providers_tensorrt\.so is missing beside/);
    assert.match(
      String(why('cuda')),
      /^a provider library does not load: .*providers_shared\.so.*(short|header)/,
    );
    place(LIBRARIES.tensorrt);
    assert.match(String(why('tensorrt')), /^a provider library does not load: /);
    rmSync(join(folder, RUNTIME, LIBRARIES.cuda));
    assert.match(String(why('tensorrt')), /^libonnxruntime_providers_cuda\.so is missing/);
  });

  test('is one of those that are known, with limits that are numbers', async () => {
    const executor = createExecutor({ threads: 1, maxQueue: 4 });
    const { pipeline } = await openModelPack('faceplugin');
    const device = { provider: 'cpu', maxBatch: 4, maxDelayMs: 1, memoryLimit: 0 } as const;
    for (const wrong of [
      { provider: 'gpu' as Provider },
      { maxBatch: 0 },
      { maxDelayMs: -1 },
      { memoryLimit: 0.5 },
    ]) {
      await assert.rejects(loadPipeline(executor, pipeline, { ...device, ...wrong }), {
        name: 'TypeError',
        message: new RegExp(`^device\\.${Object.keys(wrong)[0]} must be`),
      });
    }
    await executor.close();
  });
});
