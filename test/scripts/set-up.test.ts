import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { folderWith, SCRIPTS } from './project-scripts.ts';

interface Work {
  run(command: string, args: string[], options?: { onLine?: (line: string) => void }): Promise<string>;
  report(text: string): void;
  readonly temporary: string;
}
interface Step {
  readonly name: string;
  isDone(): boolean;
  run(work: Work): Promise<void>;
}
const { setUp }: { setUp(options: { steps: Step[]; root: string; output: PassThrough }): Promise<void> } =
  await import(new URL('setup/set-up.mjs', SCRIPTS).href);
const stamps: {
  hashOf(root: string, paths: string[], facts?: string[]): string;
  isStamped(file: string, hash: string): boolean;
  writeStamp(file: string, hash: string): void;
} = await import(new URL('setup/stamp.mjs', SCRIPTS).href);
const { demandNode, isInstalled }: { demandNode(version: string): void; isInstalled(root: string): boolean } =
  await import(new URL('setup/npm-packages.mjs', SCRIPTS).href);
const { compileJobs }: { compileJobs(cores: number, memory: number): number } = await import(
  new URL('setup/addon.mjs', SCRIPTS).href
);
const { cudaLibrary }: { cudaLibrary(root: string, asked: boolean): Step } = await import(
  new URL('setup/cuda-library.mjs', SCRIPTS).href
);

let root: string;
beforeEach(() => {
  root = folderWith({});
});
afterEach(() => rmSync(root, { recursive: true }));

/** A step that makes a file by a shell command. */
function making(name: string, command = `touch '${name}'`): Step {
  return {
    name,
    isDone: () => existsSync(join(root, name)),
    run: async ({ run }) => {
      await run('sh', ['-c', command]);
    },
  };
}

async function outputOf(steps: Step[]): Promise<string> {
  const output = new PassThrough();
  await setUp({ steps, root, output });
  output.end();
  return (await output.toArray()).join('');
}

describe('set-up', () => {
  test('runs what is not done, in order, and says so', async () => {
    writeFileSync(join(root, 'two'), '');
    const output = await outputOf([making('one'), making('two', 'exit 1'), making('three', 'cp one three')]);
    assert.match(output, /^\[set-up\] one: done in .* s\n\[set-up\] three: done in .* s\n$/);
  });

  test('is silent and leaves no trace where all is done', async () => {
    writeFileSync(join(root, 'one'), '');
    assert.equal(await outputOf([making('one')]), '');
    assert.ok(!existsSync(join(root, 'deps')));
  });

  test('stops at a step that fails, with its name, its log, and what the log says', async () => {
    const steps = [making('one', 'echo the reason; exit 3'), making('two')];
    await assert.rejects(outputOf(steps), (error: Error & { log?: string }) => {
      assert.match(error.message, /^one: `sh -c` ended with code 3\./);
      assert.match(readFileSync(error.log ?? '', 'utf8'), /the reason/);
      return true;
    });
    assert.ok(!existsSync(join(root, 'two')));
  });

  test('does not believe a step that ran through and is not done', async () => {
    await assert.rejects(outputOf([making('one', 'true')]), /one: it ran through, and still is not done/);
  });

  test('names a program that is not installed', async () => {
    const step = {
      ...making('one'),
      run: async ({ run }: Work) => void (await run('visage-no-such-program', [])),
    };
    await assert.rejects(outputOf([step]), /`visage-no-such-program` is not installed/);
  });
});

describe('two set-ups of one clone', () => {
  /** Another process that runs one step: marks its beginning, waits to be told, then makes its file. */
  function other(): ChildProcess {
    const program = `
      import { existsSync } from 'node:fs';
      import { setUp } from ${JSON.stringify(new URL('setup/set-up.mjs', SCRIPTS).href)};
      const root = process.argv[1];
      const step = { name: 'slow', isDone: () => existsSync(root + '/made'), run: ({ run }) =>
        run('sh', ['-c', 'touch begun; for i in $(seq 500); do [ -e go ] && break; sleep 0.02; done; touch made']) };
      await setUp({ root, steps: [step] }).catch((error) => {
        console.error(error.message);
        process.exit(error.exitCode ?? 1);
      });`;
    return spawn(process.execPath, ['--input-type=module', '-e', program, root], {
      stdio: ['ignore', 'inherit', 'pipe'],
    });
  }

  async function until(file: string): Promise<void> {
    while (!existsSync(join(root, file))) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** What a set-up says first, unless it ends before. */
  async function firstLine(output: PassThrough, ended: Promise<void>): Promise<string> {
    const [line] = await Promise.race([once(output, 'data'), ended.then(() => ['nothing'])]);
    return line;
  }

  test('wait for each other, and do the work once', async () => {
    const first = other();
    await until('begun');
    const output = new PassThrough({ encoding: 'utf8' });
    const second = setUp({ root, output, steps: [making('made', 'exit 1')] });
    assert.match(await firstLine(output, second), /waiting for another set-up/);
    writeFileSync(join(root, 'go'), '');
    assert.deepEqual(await once(first, 'exit'), [0, null]);
    await second;
  });

  test('go on after the first was killed, once its commands have ended', async () => {
    const first = other();
    await until('begun');
    first.kill('SIGKILL');
    await once(first, 'exit');
    const output = new PassThrough({ encoding: 'utf8' });
    const second = setUp({ root, output, steps: [making('made', 'exit 1')] });
    assert.match(await firstLine(output, second), /waiting for another set-up/);
    writeFileSync(join(root, 'go'), '');
    await second;
  });

  test('an interrupted one ends its command and can be started again', async () => {
    const first = other();
    await until('begun');
    first.kill('SIGTERM');
    const [code] = await once(first, 'exit');
    assert.equal(code, 143);
    assert.match(await outputOf([making('made')]), /made: done/);
  });
});

describe('a stamp', () => {
  test('changes with a content, a name, a new file and a fact, and with nothing else', () => {
    const write = (name: string, content: string) => writeFileSync(join(root, name), content);
    mkdirSync(join(root, 'src'));
    write('src/a', 'one');
    const hash = () => stamps.hashOf(root, ['src', 'absent'], ['fact']);
    const before = hash();
    write('src/a', 'one');
    write('beside', '');
    assert.equal(hash(), before);
    const seen = new Set([before, stamps.hashOf(root, ['src', 'absent'], ['other'])]);
    write('src/a', 'two');
    seen.add(hash());
    write('src/b', '');
    seen.add(hash());
    rmSync(join(root, 'src/b'));
    write('src/c', '');
    seen.add(hash());
    write('absent', '');
    seen.add(hash());
    assert.equal(seen.size, 6);
  });

  test('does not depend on where the clone is', () => {
    const other = folderWith({ 'src/a': 'x' });
    mkdirSync(join(root, 'src'));
    writeFileSync(join(root, 'src/a'), 'x');
    assert.equal(stamps.hashOf(other, ['src']), stamps.hashOf(root, ['src']));
    rmSync(other, { recursive: true });
  });

  test('holds for its hash only', () => {
    const file = join(root, 'made/stamp');
    assert.equal(stamps.isStamped(file, 'abc'), false);
    stamps.writeStamp(file, 'abc');
    assert.equal(stamps.isStamped(file, 'abc'), true);
    assert.equal(stamps.isStamped(file, 'abd'), false);
  });
});

describe('the npm packages', () => {
  const lock = {
    '': { name: 'x' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/other-system': { version: '1.0.0', optional: true },
  };
  const { 'node_modules/a': a } = lock;
  function installedWith(held: object | undefined): boolean {
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: lock }));
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    if (held)
      writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: held }));
    return isInstalled(root);
  }

  test('are there when npm recorded each one that the lock asks for', () => {
    assert.equal(installedWith({ 'node_modules/a': a }), true);
  });

  test('are not there before npm came to its end', () => {
    assert.equal(installedWith(undefined), false);
  });

  test('are not there when one is missing, or of another version or content', () => {
    assert.equal(installedWith({}), false);
    assert.equal(installedWith({ 'node_modules/a': { ...a, version: '1.0.1' } }), false);
    assert.equal(installedWith({ 'node_modules/a': { ...a, integrity: 'sha512-b' } }), false);
  });
});

test('a Node that is too old for the build tools is named', () => {
  for (const version of ['20.17.0', '20.20.2', '22.9.0', '24.0.0']) demandNode(version);
  for (const version of ['18.20.0', '20.16.1', '21.7.0', '22.8.0']) {
    assert.throws(() => demandNode(version), new RegExp(`Node ${version.replaceAll('.', '\\.')} is too old`));
  }
});

test('compilers are as many as cores and gigabytes of memory allow, and at least one', () => {
  const GB = 2 ** 30;
  assert.equal(compileJobs(2, 16 * GB), 2);
  assert.equal(compileJobs(64, 8 * GB), 8);
  assert.equal(compileJobs(4, GB / 2), 1);
});

test('the library for CUDA is made where it is asked for, and kept up to date where it is', () => {
  assert.equal(cudaLibrary(root, false).isDone(), true);
  assert.equal(cudaLibrary(root, true).isDone(), false);
  mkdirSync(join(root, 'build/Release'), { recursive: true });
  writeFileSync(join(root, 'build/Release/visage_cuda.so'), 'of other sources');
  assert.equal(cudaLibrary(root, false).isDone(), false);
});
