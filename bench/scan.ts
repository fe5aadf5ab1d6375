/**
 * `npm run bench:scan -- [faces]`: exact search next to a plain read of the bytes that it reads, on one thread, with every
 * kernel that this processor runs (`bench/native/scan.cc`).
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../testing/service.ts';
import { report } from './report.ts';

const DIMENSION = 512;
const PROBES = 100;

interface Scan {
  readonly kernel: string;
  readonly bytes: number;
  readonly searchMs: { readonly p50: number };
  readonly readMs: { readonly p50: number };
  readonly scoreError: number;
}

const [faces = '100000'] = process.argv.slice(2);
execFileSync('cmake', ['--build', 'build', '--target', 'visage_scan'], { cwd: ROOT, stdio: 'ignore' });
const output = execFileSync(join(ROOT, 'build/visage_scan'), [faces, String(DIMENSION), String(PROBES)]);
for (const [i, line] of output.toString().trim().split('\n').entries()) {
  const { kernel, bytes, searchMs, readMs, scoreError } = JSON.parse(line) as Scan;
  const ratio = searchMs.p50 / readMs.p50;
  console.log(
    `${kernel.padEnd(12)} ${searchMs.p50.toFixed(3)} ms, ${ratio.toFixed(2)} x the read of ${(bytes / 1e6).toFixed(1)} MB (${readMs.p50.toFixed(3)} ms)`,
  );
  report({
    claim: `${Number(faces).toLocaleString('en')} faces, exact, kernel ${kernel}: p50`,
    value: searchMs.p50,
    unit: 'ms',
    against: { name: `reading ${(bytes / 1e6).toFixed(1)} MB`, value: readMs.p50 },
    ratio,
    ...(i === 0 ? { aim: 'at most 1.2 x' } : {}),
    note: `scores within ${scoreError.toExponential(0)}`,
  });
}
