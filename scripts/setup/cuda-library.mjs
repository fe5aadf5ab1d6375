import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf, isStamped, writeStamp } from './stamp.mjs';
import { SetupError } from './work.mjs';

const SOURCES = ['CMakeLists.txt', 'native/base', 'native/cuda'];

/**
 * `build/Release/visage_cuda.so`, by nvcc: asked for by `VISAGE_CUDA=1`, and kept up to date once it is there.
 * @returns {import('./set-up.mjs').Step}
 */
export function cudaLibrary(root, asked = process.env.VISAGE_CUDA === '1') {
  const made = join(root, 'build/Release/visage_cuda.so');
  const stamp = join(root, 'build/cuda.stamp');
  const sources = () => hashOf(root, SOURCES, [root]);
  return {
    name: 'library for CUDA',
    isDone: () => (existsSync(made) ? isStamped(stamp, sources()) : !asked),
    async run({ run }) {
      const nvcc = spawnSync('nvcc', ['--version'], { encoding: 'utf8' });
      if (nvcc.status !== 0) {
        throw new SetupError(
          `There is no nvcc: install the CUDA toolkit and have its bin/ in PATH${existsSync(made) ? `, or remove ${made}` : ''}.`,
        );
      }
      const hash = sources();
      // CMake may have looked for nvcc before it was there.
      await run('cmake', ['-S', root, '-B', join(root, 'build')]);
      await run('cmake', ['--build', join(root, 'build'), '--target', 'visage_cuda']);
      writeStamp(stamp, hash);
    },
  };
}
