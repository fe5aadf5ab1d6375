import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { downloadFromDebian } from './debian-archive.mjs';
import { hashOf, isStamped, writeStamp } from './stamp.mjs';
import { SetupError } from './work.mjs';

const VERSION = '1.7.3';
const SOURCE = {
  path: `pool/main/f/faiss/faiss_${VERSION}.orig.tar.gz`,
  sha256: '3e4fac26d8c9e9008ecea4ae5fc414c658998fce4ba75835058b1a71d3516002',
};

/** Debian's own build is for the oldest x86-64; AVX2 and FMA make flat search several times faster. */
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

/** Parallel compilers: one a core, each with a gigabyte of memory. */
export function compileJobs(cores = availableParallelism(), memory = totalmem()) {
  return Math.max(1, Math.min(cores, Math.floor(memory / 2 ** 30)));
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
 * The FAISS library, static, in `deps/faiss`.
 * @returns {import('./set-up.mjs').Step}
 */
export function faiss(root) {
  const target = join(root, 'deps/faiss');
  const recipe = hashOf(root, [], [VERSION, SOURCE.sha256, ...OPTIONS]);
  return {
    name: `FAISS ${VERSION}`,
    isDone: () => isStamped(join(target, 'stamp'), recipe),
    async run({ run, report, temporary }) {
      demandAvx2();
      // The folder outlives an interrupted run, and ninja goes on where it was.
      const work = join(temporary, `faiss-${VERSION}`);
      const [archive, source, build, staged] = ['archive.tar.gz', 'source', 'build', 'staged'].map((name) =>
        join(work, name),
      );
      mkdirSync(source, { recursive: true });
      report('downloading the source');
      await downloadFromDebian(SOURCE, archive, { run });
      await run('tar', ['-xzf', archive, '-C', source, '--strip-components=1']);
      report('configuring');
      await run('cmake', ['-S', source, '-B', build, '-G', 'Ninja', ...OPTIONS]);
      await run('cmake', ['--build', build, '--target', 'faiss', '--parallel', `${compileJobs()}`], {
        onLine(line) {
          const step = /^\[(\d+)\/(\d+)\]/.exec(line);
          if (step) report(`compiling, ${Math.floor((100 * step[1]) / step[2])} %`);
        },
        ifItFails: 'If the compiler was killed, this machine has too little memory; else the log says why.',
      });
      rmSync(staged, { recursive: true, force: true });
      await run('cmake', ['--install', build, '--prefix', staged]);
      writeStamp(join(staged, 'stamp'), recipe);
      rmSync(target, { recursive: true, force: true });
      renameSync(staged, target);
      rmSync(work, { recursive: true });
    },
  };
}
