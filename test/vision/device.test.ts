import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { beforeEach, describe, test } from 'node:test';
import { pino } from 'pino';
import { type Provider, whyUnavailable } from '../../src/native/device.ts';
import { startOnDevice } from '../../src/vision/device.ts';

const skip = whyUnavailable('cuda') === null && 'the provider libraries are here';

describe('The device that networks are started on', () => {
  let lines: Record<string, unknown>[];
  let started: Provider[];
  const log = pino(
    { level: 'debug' },
    new Writable({
      write(line: Buffer, _, done) {
        lines.push(JSON.parse(line.toString()));
        done();
      },
    }),
  );
  const start = async (provider: Provider) => {
    started.push(provider);
    return 'networks';
  };
  beforeEach(() => {
    lines = [];
    started = [];
  });

  test('is the CPU where that is asked for, without a word', async () => {
    assert.deepEqual(await startOnDevice('cpu', log, start), { provider: 'cpu', started: 'networks' });
    assert.deepEqual(lines, []);
  });

  test('is the CPU where no device is configured and no GPU works; a short line says so, and debug says why', {
    skip,
  }, async () => {
    assert.equal((await startOnDevice('auto', log, start)).provider, 'cpu');
    assert.deepEqual(started, ['cpu']);
    const [line, why] = lines as { level: number; msg: string; failed: Record<string, string> }[];
    assert.equal(lines.length, 2);
    assert.deepEqual([line?.level, line?.msg], [30, 'no GPU: the networks run on the CPU']);
    assert.equal(why?.level, 20);
    for (const device of ['tensorrt', 'cuda']) {
      assert.match(why?.failed[device] ?? '', /libonnxruntime_providers_\w+\.so is missing/);
    }
  });

  for (const device of ['cuda', 'tensorrt'] as const) {
    test(`is not another than ${device} where that is asked for`, { skip }, async () => {
      await assert.rejects(startOnDevice(device, log, start), (error: Error) => {
        assert.equal(error.name, 'Error');
        assert.match(
          error.message,
          new RegExp(`^The device ${device} cannot be used: libonnxruntime_providers_`),
        );
        assert.match(
          error.message,
          /put the provider libraries of ONNX Runtime \d+\.\d+\.\d+ for GPUs there\. Set device/,
        );
        return true;
      });
      assert.deepEqual(started, []);
    });
  }

  test('leaves the error of a pack that does not load on the CPU as it is', async () => {
    const fault = new Error('The network a.onnx does not load');
    await assert.rejects(
      startOnDevice('cpu', log, () => Promise.reject(fault)),
      (error) => error === fault,
    );
  });
});
