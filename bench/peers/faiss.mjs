/**
 * `node bench/peers/faiss.mjs`: all of FAISS, static, in `deps/faiss`, and `build/peers/faiss/faiss_graph`,
 * the program by which bench:search asks it. Run by the bench itself; takes minutes the first time. No part of the product.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FAISS_VERSION } from '../../scripts/fetch-faiss.mjs';
import { compileJobs, hashOf, isMadeFrom, recordSources } from '../../scripts/setup/build.mjs';
import { debianPackages } from '../../scripts/setup/debian-packages.mjs';
import { ROOT, STEPS, setUpOrExit } from '../../scripts/setup/set-up.mjs';

/** Debian's own build is for the oldest x86-64. AVX2 is the most that this version has distances for. */
const FLAGS = process.arch === 'x64' ? ['-DCMAKE_CXX_FLAGS=-march=x86-64-v3'] : [];

const OPTIONS = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DCMAKE_INSTALL_LIBDIR=lib',
  '-DCMAKE_POSITION_INDEPENDENT_CODE=ON',
  '-DBUILD_SHARED_LIBS=OFF',
  '-DBUILD_TESTING=OFF',
  '-DFAISS_ENABLE_GPU=OFF',
  '-DFAISS_ENABLE_PYTHON=OFF',
  '-DFAISS_OPT_LEVEL=generic',
  ...FLAGS,
];

const library = join(ROOT, 'deps/faiss');
const recipe = () => hashOf(ROOT, ['deps/faiss-src/sources.sha256'], OPTIONS);

/** @type {import('../../scripts/setup/set-up.mjs').Step} */
const faiss = {
  name: `FAISS ${FAISS_VERSION}`,
  isDone: () => isMadeFrom(library, recipe()),
  async run(run) {
    const work = join(ROOT, 'deps/tmp', `faiss-${FAISS_VERSION}`);
    const [build, staged] = ['build', 'staged'].map((name) => join(work, name));
    mkdirSync(work, { recursive: true });
    await run(['cmake', '-S', join(ROOT, 'deps/faiss-src'), '-B', build, '-G', 'Ninja', ...OPTIONS]);
    await run(
      ['cmake', '--build', build, '--target', 'faiss', '--parallel', `${compileJobs()}`],
      'If the compiler was killed, this machine has too little memory.',
    );
    rmSync(staged, { recursive: true, force: true });
    await run(['cmake', '--install', build, '--prefix', staged]);
    recordSources(staged, recipe());
    rmSync(library, { recursive: true, force: true });
    renameSync(staged, library);
    rmSync(work, { recursive: true });
  },
};

const build = join(ROOT, 'build/peers/faiss');
const sources = () =>
  hashOf(
    ROOT,
    ['bench/native/faiss_graph.cc', 'bench/peers/CMakeLists.txt', 'deps/faiss/sources.sha256'],
    [ROOT],
  );

/** @type {import('../../scripts/setup/set-up.mjs').Step} */
const program = {
  name: 'FAISS as a peer',
  isDone: () => existsSync(join(build, 'faiss_graph')) && isMadeFrom(build, sources()),
  async run(run) {
    const hash = sources();
    await run(['cmake', '-S', join(ROOT, 'bench/peers'), '-B', build, '-G', 'Ninja']);
    await run(['cmake', '--build', build]);
    recordSources(build, hash);
  },
};

const PACKAGES = ['g++', 'cmake', 'ninja-build', 'libblas-dev', 'liblapack-dev'];
const source = STEPS.filter(({ name }) => name === 'FAISS source');
await setUpOrExit([debianPackages(PACKAGES), ...source, faiss, program]);
