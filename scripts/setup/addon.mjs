import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compileJobs } from './faiss.mjs';
import { hashOf, isStamped, writeStamp } from './stamp.mjs';

const SOURCES = ['CMakeLists.txt', 'native'];

/** What CMake remembers from its first run, so that a change means to configure anew. */
const TOOLCHAIN = [
  'deps/faiss/stamp',
  'deps/onnxruntime/stamp',
  'node_modules/cmake-js/package.json',
  'node_modules/node-addon-api/package.json',
  'node_modules/node-api-headers/package.json',
  'node_modules/onnxruntime-node/package.json',
];

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
      const hashes = { sources: sources(), toolchain: toolchain() };
      if (!isStamped(stamps.toolchain, hashes.toolchain)) {
        rmSync(join(build, 'CMakeCache.txt'), { force: true });
        rmSync(stamps.sources, { force: true });
      }
      const cmakeJs = join(root, 'node_modules/cmake-js/bin/cmake-js');
      const { ONNXRUNTIME_INCLUDE_DIR: headers } = process.env;
      const options = headers ? [`--CDONNXRUNTIME_INCLUDE_DIR=${headers}`] : [];
      await run(process.execPath, [cmakeJs, 'build', '--parallel', `${compileJobs()}`, ...options], {
        onLine(line) {
          const step = /^\[(\d+)\/(\d+)\]/.exec(line);
          if (step) report(`compiling, ${Math.floor((100 * step[1]) / step[2])} %`);
        },
        ifItFails: 'The compiler says why.',
      });
      writeStamp(stamps.toolchain, hashes.toolchain);
      writeStamp(stamps.sources, hashes.sources);
    },
  };
}
