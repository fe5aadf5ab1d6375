/** The addon of a mirror. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** @returns {Promise<boolean>} whether it compiled */
export async function buildMirror(mirror) {
  const cmakeJs = join(mirror, 'node_modules/cmake-js/bin/cmake-js');
  const child = spawn(process.execPath, [cmakeJs, 'build'], { cwd: mirror, stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  return code === 0;
}
