import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { downloadFromDebian } from './debian-archive.mjs';
import { hashOf, isStamped, writeStamp } from './stamp.mjs';

/**
 * Debian 13's package of the headers. Its C interface is older than the library that onnxruntime-node ships, which
 * keeps every older version of it.
 */
const PACKAGE = {
  path: 'pool/main/o/onnxruntime/libonnxruntime-dev_1.21.0+dfsg-1_amd64.deb',
  sha256: '14f7d959d5deacbcf1504830d4189f91fc67382b399ed9ae9d3aa9c4050ced08',
};

/** Where CMakeLists.txt finds headers of the system's own. */
const SYSTEM_FOLDERS = ['/usr/include', '/usr/local/include'].flatMap((prefix) =>
  ['', 'onnxruntime', 'onnxruntime/core/session'].map((suffix) => join(prefix, suffix)),
);

/**
 * ONNX Runtime's C++ headers: `ONNXRUNTIME_INCLUDE_DIR`, else the system's, else in `deps/onnxruntime/include`.
 * @returns {import('./set-up.mjs').Step}
 */
export function onnxruntimeHeaders(root) {
  const target = join(root, 'deps/onnxruntime');
  const recipe = hashOf(root, [], [PACKAGE.sha256]);
  return {
    name: 'ONNX Runtime headers',
    isDone: () =>
      Boolean(process.env.ONNXRUNTIME_INCLUDE_DIR) ||
      SYSTEM_FOLDERS.some((folder) => existsSync(join(folder, 'onnxruntime_cxx_api.h'))) ||
      isStamped(join(target, 'stamp'), recipe),
    async run({ run, report, temporary }) {
      const work = join(temporary, 'onnxruntime');
      const archive = join(work, 'package.deb');
      const staged = join(work, 'staged');
      rmSync(work, { recursive: true, force: true });
      mkdirSync(staged, { recursive: true });
      report('downloading');
      await downloadFromDebian(PACKAGE, archive, { run });
      await run('dpkg-deb', ['-x', archive, join(work, 'package')]);
      renameSync(join(work, 'package/usr/include/onnxruntime'), join(staged, 'include'));
      writeStamp(join(staged, 'stamp'), recipe);
      rmSync(target, { recursive: true, force: true });
      renameSync(staged, target);
      rmSync(work, { recursive: true });
    },
  };
}
