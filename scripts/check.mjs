/**
 * `npm run check`: format and lint, types, directions of imports, and C++ format where clang-format is installed. All
 * are run, whichever fails. `npm run format` (`--write`) mends what can be mended.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, STEPS, setUpOrExit } from './setup/set-up.mjs';

const write = process.argv.includes('--write');

function cppFiles() {
  return readdirSync(join(ROOT, 'native'), { recursive: true })
    .filter((name) => /\.(h|cc)$/.test(name))
    .map((name) => join('native', name));
}

const npmTool = (path, ...args) => [process.execPath, join(ROOT, 'node_modules', path), ...args];
const checks = [
  npmTool('@biomejs/biome/bin/biome', 'check', ...(write ? ['--write'] : ['--error-on-warnings']), '.'),
];
if (!write) {
  checks.push(npmTool('typescript/bin/tsc', '--noEmit', '--project', 'tsconfig.json'));
  checks.push([process.execPath, 'scripts/check-layers.mjs']);
}
if (spawnSync('clang-format', ['--version']).status === 0) {
  checks.push(['clang-format', ...(write ? ['-i'] : ['--dry-run', '-Werror']), ...cppFiles()]);
} else {
  console.error('check: clang-format is not installed, so the C++ files go unchecked');
}

await setUpOrExit(STEPS.filter((step) => step.name === 'npm packages'));
const failed = checks.filter(([command, ...args]) => {
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  return status !== 0;
});
console.log(failed.length === 0 ? 'check: all good' : `check: ${failed.length} of ${checks.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
