import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { pino } from 'pino';
import { whyInputsUnavailable } from '../../src/native/device.ts';
import { createExecutor, type Executor } from '../../src/native/executor.ts';
import { type Analysis, loadPipeline, type Pipeline } from '../../src/native/pipeline.ts';
import { startWithInputs } from '../../src/vision/device.ts';
import { deviceNetworks } from '../../src/vision/graph/device-networks.ts';
import { type ModelPack, openModelPack } from '../../src/vision/model-pack.ts';
import { cosine } from '../../testing/faces.ts';
import { compileHostDevice } from '../../testing/host-device.ts';
import { photograph } from '../../testing/photographs.ts';

/** Networks run on the CPU, on inputs of the host's `DeviceCalls`. */
const device = { provider: 'cpu', maxBatch: 4, maxDelayMs: 5, memoryLimit: 0 } as const;

const LEAST_COSINE = 1 - 1e-6;

const REQUEST = { described: 2, attributes: true, liveness: true };

describe("Networks' inputs that are made in a device's memory", () => {
  let scratch: string;
  let library: string;
  let executor: Executor;
  let lines: { level: number; msg: string; why?: string }[];
  const log = pino(
    new Writable({
      write(line: Buffer, _, done) {
        lines.push(JSON.parse(line.toString()));
        done();
      },
    }),
  );
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'visage-test-'));
    library = join(scratch, 'host_device.so');
    compileHostDevice(library);
    executor = createExecutor({ threads: 4, maxQueue: 64 });
  });
  after(async () => {
    await executor.close();
    rmSync(scratch, { recursive: true });
  });
  beforeEach(() => {
    lines = [];
  });
  afterEach(() => {
    delete process.env.VISAGE_DEVICE_FAULT;
  });
  const withFault = (fault: string) => {
    process.env.VISAGE_DEVICE_FAULT = fault;
  };
  const copy = (name: string) => {
    const file = join(scratch, name);
    copyFileSync(library, file);
    return file;
  };
  const onDevice = async (pack: ModelPack): Promise<Pipeline> => {
    const on = { ...device, inputLibrary: library };
    const folder = join(scratch, 'engines');
    return loadPipeline(executor, await deviceNetworks(pack, executor, { folder, log, device: on }), on);
  };
  const assertSame = (seen: Analysis, expected: Analysis) => {
    assert.equal(seen.faces.length, expected.faces.length);
    assert.ok(expected.faces.length > 0);
    for (const [i, { box, landmarks, pose }] of seen.faces.entries()) {
      const other = expected.faces[i];
      for (const side of ['x', 'y', 'width', 'height'] as const) {
        assert.ok(Math.abs(box[side] - (other?.box[side] ?? Number.NaN)) < 0.02, `${side} of box ${i}`);
      }
      for (const [at, value] of landmarks?.entries() ?? []) {
        assert.ok(
          Math.abs(value - (other?.landmarks?.[at] ?? Number.NaN)) < 0.02,
          `number ${at} of face ${i}`,
        );
      }
      if (pose) assert.ok(Math.abs(pose.yaw - (other?.pose?.yaw ?? Number.NaN)) < 0.02, `yaw of face ${i}`);
    }
    assert.ok(cosine(seen.template, expected.template) > LEAST_COSINE);
    assert.ok(Math.abs((seen.liveness?.[0] ?? 9) - (expected.liveness?.[0] ?? 0)) < 1e-4);
  };

  for (const name of ['faceplugin', 'yunet']) {
    test(`show the networks of ${name} what those made on the CPU show them, also in batches`, async () => {
      const pack = await openModelPack(name);
      const pipeline = await onDevice(pack);
      const plain = await loadPipeline(executor, pack.pipeline);
      const pictures = await Promise.all([1, 2, 3, 4].map((n) => photograph(n)));
      const expected: Analysis[] = [];
      const request = { ...REQUEST, liveness: 'liveness' in pack.pipeline };
      for (const picture of pictures) expected.push(await plain.analyze(picture, 'binary', request));
      const twice = [...pictures, ...pictures];
      const seen = await Promise.all(twice.map((picture) => pipeline.analyze(picture, 'binary', request)));
      for (const [i, each] of seen.entries()) assertSame(each, expected[i % pictures.length] as Analysis);
      assert.deepEqual(lines, []);
    });
  }

  test('are made on the CPU for a picture that the device has no room for', async () => {
    const pack = await openModelPack('faceplugin');
    const pipeline = await loadPipeline(executor, pack.pipeline, {
      ...device,
      inputLibrary: copy('small.so'),
    });
    const plain = await loadPipeline(executor, pack.pipeline);
    const picture = await photograph(1);
    // Nothing is made on the device, or it would fail.
    withFault('pinned,input');
    const seen = await pipeline.analyze(picture, 'binary', REQUEST);
    assertSame(seen, await plain.analyze(picture, 'binary', REQUEST));
  });

  test('fail with the picture whose input could not be made, and with no other', async () => {
    const pack = await openModelPack('faceplugin');
    const pipeline = await loadPipeline(executor, pack.pipeline, { ...device, inputLibrary: library });
    const picture = await photograph(1);
    withFault('input');
    await assert.rejects(pipeline.analyze(picture, 'binary'), {
      code: 'INTERNAL_ERROR',
      message: 'The GPU failed to build a network input: as it was told',
    });
    delete process.env.VISAGE_DEVICE_FAULT;
    assert.ok((await pipeline.analyze(picture, 'binary')).faces.length > 0);
  });

  test('are refused from a library that makes others, or cannot be used, with a sentence', () => {
    assert.equal(whyInputsUnavailable(library), null);
    withFault('pixels');
    assert.equal(whyInputsUnavailable(copy('wrong.so')), 'its network inputs differ from those of the CPU');
    withFault('open');
    assert.equal(whyInputsUnavailable(copy('closed.so')), 'as it was told');
    assert.match(
      String(whyInputsUnavailable(join(scratch, 'none.so'))),
      /none\.so: cannot open shared object/,
    );
  });

  describe('at a start', () => {
    const MADE_HERE = 'network inputs are made in host memory and copied to the GPU';
    let tried: (string | undefined)[];
    const start = async (inputLibrary?: string) => {
      tried.push(inputLibrary);
      return 'networks';
    };
    beforeEach(() => {
      tried = [];
    });

    test('are those of the library where it can be used', async () => {
      assert.equal(await startWithInputs(log, start, library), 'networks');
      assert.deepEqual(tried, [library]);
      assert.deepEqual(
        lines.map(({ msg }) => msg),
        ['network inputs are made in GPU memory'],
      );
    });

    test('are made on the CPU where there is no library, or it cannot be used; a line says why', async () => {
      await startWithInputs(log, start, join(scratch, 'none.so'));
      withFault('open');
      await startWithInputs(log, start, copy('unusable.so'));
      assert.deepEqual(tried, [undefined, undefined]);
      assert.deepEqual(
        lines.map(({ msg, why }) => [msg, why]),
        [
          [MADE_HERE, 'this build has no library for CUDA'],
          [MADE_HERE, 'as it was told'],
        ],
      );
    });

    test('are made on the CPU where the networks do not run with the library', async () => {
      await startWithInputs(
        log,
        async (inputLibrary) => {
          if (inputLibrary) throw new Error('other results');
          return start(inputLibrary);
        },
        library,
      );
      assert.deepEqual(tried, [undefined]);
      assert.deepEqual(
        lines.map(({ why }) => why),
        ['other results'],
      );
    });
  });
});
