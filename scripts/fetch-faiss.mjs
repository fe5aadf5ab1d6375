/** `node scripts/fetch-faiss.mjs`: downloads the source of FAISS into `deps/faiss-src`. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMadeFrom, recordSources } from './setup/build.mjs';
import { downloadFromDebian } from './setup/debian-packages.mjs';
import { commandRunner, exitWith, ROOT } from './setup/run.mjs';

/** Debian 12's. */
export const FAISS_VERSION = '1.7.3';
const SOURCE = {
  path: `pool/main/f/faiss/faiss_${FAISS_VERSION}.orig.tar.gz`,
  sha256: '3e4fac26d8c9e9008ecea4ae5fc414c658998fce4ba75835058b1a71d3516002',
};

export const hasFaiss = () => isMadeFrom(join(ROOT, 'deps/faiss-src'), SOURCE.sha256);

async function fetchFaiss() {
  const run = commandRunner();
  const work = 'deps/tmp/faiss-src';
  await run(`rm -rf ${work} deps/faiss-src`);
  await run(`mkdir -p ${work}/source`);
  await downloadFromDebian(run, SOURCE, `${work}/archive.tar.gz`);
  await run(`tar -xzf ${work}/archive.tar.gz -C ${work}/source --strip-components=1`);
  recordSources(join(ROOT, work, 'source'), SOURCE.sha256);
  await run(`mv ${work}/source deps/faiss-src`);
  await run(`rm -r ${work}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await fetchFaiss().catch(exitWith);
