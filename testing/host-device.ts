import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './service.ts';

const SOURCE = join(ROOT, 'test/native/programs/host_device.cc');
const INCLUDE = `-I${join(ROOT, 'native')}`;

/** Compiles the stand-in for a GPU, `programs/host_device.cc`, to a library with this path. */
export function compileHostDevice(library: string, options: readonly string[] = ['-O2']): void {
  const all = ['-std=c++20', '-ffp-contract=off', ...options, INCLUDE, '-shared', '-fPIC'];
  execFileSync(process.env.CXX ?? 'g++', [...all, SOURCE, '-o', library]);
}
