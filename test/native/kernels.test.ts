import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../../testing/service.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

const NVCC = process.env.NVCC ?? 'nvcc';
const skip = spawnSync(NVCC, ['--version']).status !== 0 && 'there is no nvcc on this machine';

test('nvcc compiles the library for CUDA, which builds the inputs of the CPU or says what it lacks', {
  skip,
}, (t) => {
  const library = join(temporaryFolder(t), 'visage_cuda.so');
  const include = `-I${join(ROOT, 'native')}`;
  const options = ['-std=c++20', '-O3', '-arch=sm_75', '--expt-relaxed-constexpr', include, '-shared'];
  const source = join(ROOT, 'native/cuda/device.cu');
  execFileSync(NVCC, [...options, '-Xcompiler=-fPIC,-fvisibility=hidden', source, '-o', library]);
  const target = 'visage_device_inputs_test';
  execFileSync('cmake', ['build'], { cwd: ROOT });
  execFileSync('cmake', ['--build', 'build', '--target', target], { cwd: ROOT });
  const { status, stdout } = spawnSync(join(ROOT, 'build', target), ['--test-case=A device builds*'], {
    encoding: 'utf8',
    env: { ...process.env, VISAGE_DEVICE_LIBRARY: library, VISAGE_DEVICE_TOLERANCE: '1e-3' },
  });
  if (status !== 0) assert.match(stdout, /CUDA driver version is insufficient|no CUDA-capable device/);
});
