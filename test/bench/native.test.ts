import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../../testing/service.ts';

const ELSEWHERE = ['faiss_graph.cc'];

test('the programs of the benches compile against the code as it is', () => {
  const targets = readdirSync(join(ROOT, 'bench/native'))
    .filter((file) => file.endsWith('.cc') && !ELSEWHERE.includes(file))
    .map((file) => `visage_${file.slice(0, -3)}`);
  execFileSync('cmake', ['--build', 'build', '--target', ...targets], { cwd: ROOT, stdio: 'pipe' });
});
