/**
 * `npm run bench:gpu`: what of the GPU's part can be shown on this machine: whether the CUDA kernels compile,
 * and whether there is a GPU.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../testing/service.ts';
import { report } from './report.ts';

const FOLDER = join(ROOT, 'build/cuda');
const DRIVER = '/dev/nvidiactl';

function compiled(): string {
  const version = spawnSync('nvcc', ['--version'], { encoding: 'utf8' });
  if (version.status !== 0) return 'no: there is no nvcc here';
  const configure = ['-S', ROOT, '-B', FOLDER];
  for (const args of [configure, ['--build', FOLDER, '--target', 'visage_cuda']]) {
    const { status } = spawnSync('cmake', args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
    if (status !== 0) return 'no: nvcc is here, but the build failed';
  }
  return `yes, release ${/release ([\d.]+)/.exec(version.stdout)?.[1] ?? 'unknown'}`;
}

function tell(claim: string, note: string): void {
  console.log(`${claim.padEnd(44)}${note}`);
  report({ claim, value: Number.NaN, unit: '', note });
}

tell('CUDA kernels compiled with nvcc', compiled());
tell(
  'CUDA and TensorRT, against the CPU',
  existsSync(DRIVER) ? 'not run: there is no bench of a GPU yet' : 'not run: no GPU here',
);
