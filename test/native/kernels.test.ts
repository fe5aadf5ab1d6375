import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from '../e2e/service.ts';
import { temporaryFolder } from '../store/temporary-store.ts';

const PROGRAM = join(ROOT, 'test/native/programs/kernels.cc');
const CPU_PATH = ['base/resample', 'align/aligner', 'align/similarity'].map((name) =>
  join(ROOT, `native/${name}.cc`),
);
const INCLUDE = `-I${join(ROOT, 'native')}`;
const NVCC = process.env.NVCC ?? 'nvcc';

const skip = spawnSync(NVCC, ['--version']).status !== 0 && 'there is no nvcc on this machine';

describe('What makes a pixel on a GPU', () => {
  test('makes on the host what the CPU path makes, to the last bit', (t) => {
    const program = join(temporaryFolder(t), 'kernels');
    // A multiplication and an addition that the compiler joins are rounded once: which ones it does is not alike.
    const options = ['-std=c++20', '-O2', '-ffp-contract=off', INCLUDE];
    execFileSync(process.env.CXX ?? 'g++', [...options, PROGRAM, ...CPU_PATH, '-o', program]);
    assert.equal(execFileSync(program, { encoding: 'utf8' }), 'kernels: as the CPU, on the host\n');
  });

  test('compiles and links as CUDA; where there is a GPU it makes the same there', { skip }, (t) => {
    const program = join(temporaryFolder(t), 'kernels');
    const options = [
      '-std=c++20',
      '-O2',
      '-arch=sm_75',
      '--expt-relaxed-constexpr',
      '-DVISAGE_CUDA',
      INCLUDE,
    ];
    const host = ['-Xcompiler', '-ffp-contract=off'];
    const sources = [join(ROOT, 'native/cuda/kernels.cu'), PROGRAM, ...CPU_PATH];
    execFileSync(NVCC, [...options, ...host, ...sources, '-o', program]);
    assert.match(
      execFileSync(program, { encoding: 'utf8' }),
      /^kernels: as the CPU, on the host( and on the GPU|; no GPU)\n$/,
    );
  });
});
