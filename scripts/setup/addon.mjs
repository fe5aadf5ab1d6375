import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { hashOf, isStamped, writeStamp } from './stamp.mjs';
import { SetupError } from './work.mjs';

const SOURCES = ['CMakeLists.txt', 'native'];

/** What CMake remembers from its first run, so that a change means to configure anew. */
const TOOLCHAIN = [
  'deps/onnxruntime/stamp',
  'node_modules/cmake-js/package.json',
  'node_modules/node-addon-api/package.json',
  'node_modules/node-api-headers/package.json',
  'node_modules/onnxruntime-node/package.json',
];

/** Parallel compilers: one a core, each with a gigabyte of memory. */
export function compileJobs(cores = availableParallelism(), memory = totalmem()) {
  return Math.max(1, Math.min(cores, Math.floor(memory / 2 ** 30)));
}

/** For `run`'s `onLine`: reports how far ninja is. */
export function compileProgress(report) {
  return (line) => {
    const step = /^\[(\d+)\/(\d+)\]/.exec(line);
    if (step) report(`compiling, ${Math.floor((100 * step[1]) / step[2])} %`);
  };
}

function demandAvx2() {
  if (process.arch !== 'x64') return;
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
  const missing = ['avx2', 'fma', 'bmi2'].filter((flag) => !flags.includes(flag));
  if (missing.length === 0) return;
  throw new SetupError(
    `This processor lacks ${missing.join(', ')}. Visage needs an x86-64-v3 processor (Intel since 2013, AMD since 2015).`,
  );
}

/**
 * `build/Release/visage.node`, by cmake-js.
 * @returns {import('./set-up.mjs').Step}
 */
export function addon(root) {
  const build = join(root, 'build');
  const made = join(build, 'Release/visage.node');
  const stamps = { sources: join(build, 'sources.stamp'), toolchain: join(build, 'toolchain.stamp') };
  const toolchain = () =>
    hashOf(root, TOOLCHAIN, [root, process.arch, process.env.ONNXRUNTIME_INCLUDE_DIR ?? '']);
  const sources = () => hashOf(root, SOURCES);
  return {
    name: 'native addon',
    isDone: () =>
      existsSync(made) && isStamped(stamps.toolchain, toolchain()) && isStamped(stamps.sources, sources()),
    async run({ run, report }) {
      demandAvx2();
      const hashes = { sources: sources(), toolchain: toolchain() };
      if (!isStamped(stamps.toolchain, hashes.toolchain)) {
        rmSync(join(build, 'CMakeCache.txt'), { force: true });
        rmSync(stamps.sources, { force: true });
      }
      const cmakeJs = join(root, 'node_modules/cmake-js/bin/cmake-js');
      const { ONNXRUNTIME_INCLUDE_DIR: headers } = process.env;
      const options = headers ? [`--CDONNXRUNTIME_INCLUDE_DIR=${headers}`] : [];
      await run(process.execPath, [cmakeJs, 'build', '--parallel', `${compileJobs()}`, ...options], {
        onLine: compileProgress(report),
        ifItFails: 'If the compiler was killed, this machine has too little memory; else the log says why.',
      });
      writeStamp(stamps.toolchain, hashes.toolchain);
      writeStamp(stamps.sources, hashes.sources);
    },
  };
}
