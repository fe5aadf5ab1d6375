/** `node scripts/fetch-headers.mjs`: downloads ONNX Runtime's C++ headers into `deps/onnxruntime/include`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { downloadFromDebian } from './setup/debian-packages.mjs';
import { commandRunner, exitWith, ROOT } from './setup/run.mjs';

/** Debian 13's. */
const API_VERSION = 21;
const PACKAGE = {
  path: 'pool/main/o/onnxruntime/libonnxruntime-dev_1.21.0+dfsg-1_amd64.deb',
  sha256: '14f7d959d5deacbcf1504830d4189f91fc67382b399ed9ae9d3aa9c4050ced08',
};

const SYSTEM_FOLDERS = ['/usr/include', '/usr/local/include'].flatMap((prefix) =>
  ['', 'onnxruntime', 'onnxruntime/core/session'].map((folder) => join(prefix, folder)),
);

export function hasHeaders() {
  if (SYSTEM_FOLDERS.some((folder) => existsSync(join(folder, 'onnxruntime_cxx_api.h')))) return true;
  const file = join(ROOT, 'deps/onnxruntime/include/onnxruntime_c_api.h');
  return existsSync(file) && readFileSync(file, 'utf8').includes(`#define ORT_API_VERSION ${API_VERSION}\n`);
}

async function fetchHeaders() {
  const run = commandRunner();
  await run('rm -rf deps/tmp/onnxruntime deps/onnxruntime');
  await run('mkdir -p deps/tmp/onnxruntime');
  await downloadFromDebian(run, PACKAGE, 'deps/tmp/onnxruntime/package.deb');
  await run('dpkg-deb -x deps/tmp/onnxruntime/package.deb deps/tmp/onnxruntime');
  await run('mkdir deps/onnxruntime');
  await run('mv deps/tmp/onnxruntime/usr/include/onnxruntime deps/onnxruntime/include');
  await run('rm -r deps/tmp/onnxruntime');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await fetchHeaders().catch(exitWith);
