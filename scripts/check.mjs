/**
 * `npm run check`: format, lint, types, directions of imports, dead exports, maps of folders, clang-tidy, and the one
 * definition rule of C++. Runs every check, also after one fails. `npm run format` (`--write`) fixes format and lint.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { debianPackages } from './setup/debian-packages.mjs';
import { ROOT, STEPS, setUpOrExit } from './setup/set-up.mjs';

const CHECK_PACKAGES = ['clang-format', 'clang-tidy-16', 'doctest-dev'];
const CPP_FOLDERS = ['native', 'bench/native', 'test'];
const BUILD = 'build/check';

const write = process.argv.includes('--write');

function cppFiles() {
  return CPP_FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true })
      .filter((name) => /\.(h|cc|cu)$/.test(name))
      .map((name) => join(folder, name)),
  );
}

const npmTool = (path, ...args) => [process.execPath, join(ROOT, 'node_modules', path), ...args];
const nodeHeaders = ['node-api-headers/include', 'node-addon-api'].map((path) =>
  join(ROOT, 'node_modules', path),
);

const checks = [
  [npmTool('@biomejs/biome/bin/biome', 'check', ...(write ? ['--write'] : ['--error-on-warnings']), '.')],
  [['clang-format', ...(write ? ['-i'] : ['--dry-run', '-Werror']), ...cppFiles()]],
];
if (!write) {
  checks.push([npmTool('typescript/bin/tsc', '--noEmit', '--project', 'tsconfig.json')]);
  checks.push([npmTool('typescript/bin/tsc', '--project', 'web/tsconfig.json')]);
  checks.push([[process.execPath, 'scripts/check-layers.mjs']]);
  checks.push([[process.execPath, 'scripts/check-exports.mjs']]);
  checks.push([[process.execPath, 'scripts/check-maps.mjs']]);
  checks.push([
    [
      'cmake',
      ...['-S', '.', '-B', BUILD, '-G', 'Ninja', '--log-level=WARNING'],
      ...['-DVISAGE_CHECK=ON', `-DCMAKE_JS_INC=${nodeHeaders.join(';')}`],
    ],
    ['cmake', '--build', BUILD, '--target', 'check', '--', '-k', '0'],
  ]);
}

const needed = write
  ? ['npm packages']
  : [
      'Debian packages',
      'npm packages',
      'ONNX Runtime headers',
      'FAISS source',
      'tools of the dashboard',
      'dashboard',
    ];
await setUpOrExit([
  ...STEPS.filter((step) => needed.includes(step.name)),
  debianPackages(CHECK_PACKAGES, 'Debian packages for checks'),
]);
const failed = checks.filter((commands) =>
  commands.some(
    ([command, ...args]) => spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' }).status !== 0,
  ),
);
console.log(failed.length === 0 ? 'check: all good' : `check: ${failed.length} of ${checks.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
