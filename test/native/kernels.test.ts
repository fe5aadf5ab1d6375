import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT } from '../e2e/service.ts';
import { compileHostDevice } from './host-device.ts';

const SOURCES = [
  'test/native/programs/kernels.cc',
  'native/align/aligner.cc',
  'native/align/similarity.cc',
  'native/base/resample.cc',
  'native/base/warp.cc',
  'native/runtime/accelerator.cc',
  'native/runtime/input_maker.cc',
].map((name) => join(ROOT, name));
const INCLUDE = `-I${join(ROOT, 'native')}`;
const NVCC = process.env.NVCC ?? 'nvcc';
/** As the product is compiled. */
const PROCESSOR = process.arch === 'x64' ? ['-march=x86-64-v3'] : [];
/** A multiplication and an addition that the compiler joins are rounded once: which ones it does is not alike. */
const OPTIONS = ['-O1', '-ffp-contract=off', ...PROCESSOR];

const skip = spawnSync(NVCC, ['--version']).status !== 0 && 'there is no nvcc on this machine';

describe('The inputs of networks that a device makes', () => {
  let folder: string;
  let program: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
    program = join(folder, 'kernels');
    execFileSync(process.env.CXX ?? 'g++', [
      '-std=c++20',
      ...OPTIONS,
      INCLUDE,
      ...SOURCES,
      '-ldl',
      '-o',
      program,
    ]);
  });
  after(() => rmSync(folder, { recursive: true }));
  // What is loaded is for the process's life.
  const said = (library: string, tolerance: number, fault = '') =>
    execFileSync(program, [library, `${tolerance}`], {
      encoding: 'utf8',
      env: { ...process.env, VISAGE_DEVICE_FAULT: fault },
    });

  test('are those of the CPU path, to the last bit where a stand-in makes them on the host', () => {
    const library = join(folder, 'host_device.so');
    compileHostDevice(library, OPTIONS);
    assert.equal(said(library, 0), 'kernels: as the CPU\n');
    const refused = {
      open: 'as it was told',
      memory: 'there is no memory on it for a picture',
      pinned: 'there is no memory on it for a picture',
      input: "The GPU did not make a network's input: as it was told",
      pixels: 'the inputs that it makes are not those of the CPU',
    };
    for (const [fault, why] of Object.entries(refused)) {
      assert.equal(said(library, 0, fault), `kernels: cannot be used here: ${why}\n`);
    }
    assert.match(
      said(join(folder, 'none.so'), 0),
      /cannot be used here: .*none\.so: cannot open shared object/,
    );
  });

  test('are made by a library that nvcc compiles and links, and that says what it lacks', { skip }, () => {
    const library = join(folder, 'visage_cuda.so');
    const options = ['-std=c++20', '-O3', '-arch=sm_75', '--expt-relaxed-constexpr', INCLUDE, '-shared'];
    const source = join(ROOT, 'native/cuda/device.cu');
    execFileSync(NVCC, [...options, '-Xcompiler=-fPIC,-fvisibility=hidden', source, '-o', library]);
    assert.match(
      said(library, 1e-3),
      /^kernels: (as the CPU|cannot be used here: (CUDA driver version is insufficient|no CUDA-capable device).*)\n$/,
    );
  });
});
