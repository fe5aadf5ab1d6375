import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf, isStamped, writeStamp } from './stamp.mjs';

const SOURCES = ['tsconfig.json', 'src', 'test', 'bench', 'node_modules/typescript/package.json'];

/**
 * `dist/`, by tsc: made beside the old one and put in its place whole, so that nothing of a deleted source stays.
 * @returns {import('./set-up.mjs').Step}
 */
export function typescript(root) {
  const dist = join(root, 'dist');
  const sources = () => hashOf(root, SOURCES);
  return {
    name: 'TypeScript',
    isDone: () => isStamped(join(dist, 'stamp'), sources()),
    async run({ run }) {
      const [fresh, old] = [`${dist}.new`, `${dist}.old`];
      for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
      const hash = sources();
      const tsc = join(root, 'node_modules/typescript/bin/tsc');
      await run(process.execPath, [tsc, '--project', join(root, 'tsconfig.json'), '--outDir', fresh], {
        ifItFails: 'The compiler says why.',
      });
      writeStamp(join(fresh, 'stamp'), hash);
      rmSync(old, { recursive: true, force: true });
      try {
        renameSync(dist, old);
      } catch (cause) {
        if (cause.code !== 'ENOENT') throw cause;
      }
      renameSync(fresh, dist);
      rmSync(old, { recursive: true, force: true });
    },
  };
}
