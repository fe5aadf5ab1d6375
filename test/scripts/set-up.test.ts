import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { folderWith, SCRIPTS } from './project-scripts.ts';

type Run = (command: string | string[]) => Promise<void>;
interface Step {
  readonly name: string;
  isDone(): boolean;
  run(run: Run): Promise<void>;
}
const load = (name: string) => import(new URL(`setup/${name}.mjs`, SCRIPTS).href);
const { setUp }: { setUp(options: { steps: Step[]; root: string; output: PassThrough }): Promise<void> } =
  await load('set-up');
const { untilUnlocked }: { untilUnlocked(file: string, seconds?: number): Promise<void> } =
  await load('debian-packages');
const { isInstalled }: { isInstalled(source: string): boolean } = await load('npm');
const build: {
  hashOf(root: string, paths: string[], facts?: string[]): string;
  isMadeFrom(folder: string, hash: string): boolean;
  recordSources(folder: string, hash: string): void;
  compileJobs(cores: number, memory: number): number;
  addon(root: string, environment: Record<string, string>): Step;
  typescript(root: string): Step;
} = await load('build');

let root: string;
beforeEach(() => {
  root = folderWith({});
});
afterEach(() => rmSync(root, { recursive: true }));

function making(name: string, command = `touch '${name}'`): Step {
  return {
    name,
    isDone: () => existsSync(join(root, name)),
    run: (run) => run(['sh', '-c', command]),
  };
}

async function outputOf(steps: Step[]): Promise<string> {
  const output = new PassThrough();
  await setUp({ steps, root, output });
  output.end();
  return (await output.toArray()).join('');
}

describe('set-up', () => {
  test('runs the missing steps in order, and prints each command', async () => {
    writeFileSync(join(root, 'two'), '');
    const output = await outputOf([making('one'), making('two', 'exit 1'), making('three', 'cp one three')]);
    assert.equal(output, "[set-up] $ sh -c touch 'one'\n[set-up] $ sh -c cp one three\n");
  });

  test("waits while another program holds the lock of apt's lists, but not for ever", async () => {
    const lists = join(root, 'lock');
    const hold = `use Fcntl; open F, '>', $ARGV[0]; my $lock = pack 's s l! l! i', F_WRLCK, 0, 0, 0, 0; fcntl F, F_SETLK, $lock; $| = 1; print 1; sleep`;
    const holder = spawn('perl', ['-e', hold, lists], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(holder.stdout, 'data');
      await untilUnlocked(lists, 0);
      let isOver = false;
      const waiting = untilUnlocked(lists).then(() => {
        isOver = true;
      });
      await sleep(500);
      assert.ok(!isOver);
      holder.kill();
      await waiting;
    } finally {
      holder.kill();
    }
  });

  test('is silent and leaves no trace if nothing is missing', async () => {
    writeFileSync(join(root, 'one'), '');
    assert.equal(await outputOf([making('one')]), '');
    assert.ok(!existsSync(join(root, 'deps')));
  });

  test('stops at a step that fails, and names the step and the command', async () => {
    const steps = [making('one', 'exit 3'), making('two')];
    await assert.rejects(
      outputOf(steps),
      /^Error: one: `sh -c exit 3` ended with code 3; its output is above\.$/,
    );
    assert.ok(!existsSync(join(root, 'two')));
  });

  test('shows what a failing command wrote', () => {
    const program = `
      import { setUpOrExit } from ${JSON.stringify(new URL('setup/set-up.mjs', SCRIPTS).href)};
      await setUpOrExit([{ name: 'one', isDone: () => false, run: (run) => run(['sh', '-c', 'echo reason; exit 3'], 'Advice.') }]);`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(
      stderr,
      /\nreason\n\[set-up\] one: `sh .*` ended with code 3; its output is above\. Advice\.\n$/,
    );
  });

  test('fails if a step succeeds without a result', async () => {
    await assert.rejects(outputOf([making('one', 'true')]), /one: all commands succeeded, but/);
  });

  test('names a program that is not installed', async () => {
    const step = { ...making('one'), run: (run: Run) => run('visage-no-such-program') };
    await assert.rejects(outputOf([step]), /`visage-no-such-program` is not installed/);
  });
});

describe('two set-ups of one clone', () => {
  function other({ detached = false } = {}): ChildProcess {
    const program = `
      import { existsSync } from 'node:fs';
      import { setUp } from ${JSON.stringify(new URL('setup/set-up.mjs', SCRIPTS).href)};
      const root = process.argv[1];
      const step = { name: 'slow', isDone: () => existsSync(root + '/made'), run: (run) =>
        run(['sh', '-c', 'touch begun; for i in $(seq 500); do [ -e go ] && break; sleep 0.02; done; touch made']) };
      await setUp({ root, steps: [step] });`;
    return spawn(process.execPath, ['--input-type=module', '-e', program, root], {
      stdio: ['ignore', 'inherit', 'ignore'],
      detached,
    });
  }

  async function until(file: string): Promise<void> {
    while (!existsSync(join(root, file))) await new Promise((resolve) => setTimeout(resolve, 10));
  }

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

  test('go on after the first and its command were interrupted', async () => {
    const first = other({ detached: true });
    await until('begun');
    process.kill(-(first.pid as number), 'SIGINT');
    assert.deepEqual(await once(first, 'exit'), [null, 'SIGINT']);
    assert.equal(await outputOf([making('made')]), "[set-up] $ sh -c touch 'made'\n");
  });
});

describe('the hash of sources', () => {
  test('changes with a content, a name, a new file and a fact, and with nothing else', () => {
    const write = (name: string, content: string) => writeFileSync(join(root, name), content);
    mkdirSync(join(root, 'src'));
    write('src/a', 'one');
    const hash = () => build.hashOf(root, ['src', 'absent'], ['fact']);
    const before = hash();
    write('src/a', 'one');
    write('beside', '');
    assert.equal(hash(), before);
    const seen = new Set([before, build.hashOf(root, ['src', 'absent'], ['other'])]);
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
    assert.equal(build.hashOf(other, ['src']), build.hashOf(root, ['src']));
    rmSync(other, { recursive: true });
  });

  test('says whether a folder was made from other sources', () => {
    const folder = join(root, 'made');
    assert.equal(build.isMadeFrom(folder, 'abc'), false);
    build.recordSources(folder, 'abc');
    assert.equal(build.isMadeFrom(folder, 'abc'), true);
    assert.equal(build.isMadeFrom(folder, 'abd'), false);
  });
});

test('dist/ keeps nothing of a deleted source, and stays as it was if the compiler fails', async () => {
  for (const name of ['src', 'dist']) mkdirSync(join(root, name));
  writeFileSync(join(root, 'dist/deleted.js'), '');
  const step = build.typescript(root);
  const runWith =
    (compile: () => void): Run =>
    async (command) => {
      const [program = '', ...args] = String(command).split(' ');
      if (program === 'npx') compile();
      else if (program !== 'node') execFileSync(program, args, { cwd: root });
    };
  const fail = () => {
    throw new Error('compiler');
  };
  await assert.rejects(step.run(runWith(fail)), /compiler/);
  assert.deepEqual(readdirSync(join(root, 'dist')), ['deleted.js']);

  const run = runWith(() => {
    mkdirSync(join(root, 'dist.new'));
    writeFileSync(join(root, 'src/late.ts'), '');
  });
  await step.run(run);
  assert.deepEqual(readdirSync(join(root, 'dist')), ['sources.sha256']);
  assert.equal(step.isDone(), false, 'a source changed while the compiler ran');
  await step.run(run);
  assert.equal(step.isDone(), true);
});

describe('the npm packages', () => {
  const lock = {
    '': { name: 'x' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/other-system': { version: '1.0.0', optional: true, os: ['win32'], cpu: [process.arch] },
    'node_modules/script': { version: '1.0.0', optional: true },
  };
  const binary = { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] };
  const { 'node_modules/a': a } = lock;
  function installedWith(held: object | undefined, packages: object = lock): boolean {
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }));
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    if (held)
      writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: held }));
    return isInstalled(root);
  }

  test('are there when npm recorded each one that the lock asks for', () => {
    assert.equal(installedWith({ 'node_modules/a': a }), true);
  });

  test('are not there without the binaries of this machine, which npm leaves out if a download fails', () => {
    const packages = { ...lock, 'node_modules/binary': binary };
    assert.equal(installedWith({ 'node_modules/a': a }, packages), false);
    assert.equal(installedWith({ 'node_modules/a': a, 'node_modules/binary': binary }, packages), true);
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

test('compilers are as many as cores and gigabytes of memory allow, and at least one', () => {
  const GB = 2 ** 30;
  assert.equal(build.compileJobs(2, 16 * GB), 2);
  assert.equal(build.compileJobs(64, 8 * GB), 8);
  assert.equal(build.compileJobs(4, GB / 2), 1);
});

test('the addon step builds the CUDA library if VISAGE_CUDA requests it or it exists', async () => {
  const commands: string[] = [];
  const run: Run = async (command) => void commands.push([command].flat().join(' '));
  const isCudaBuilt = () => commands.splice(0).some((command) => command.endsWith('--target visage_cuda'));
  const step = build.addon(root, {});
  mkdirSync(join(root, 'build/Release'), { recursive: true });
  writeFileSync(join(root, 'build/Release/visage.node'), '');
  await step.run(run);
  assert.equal(isCudaBuilt(), false);
  assert.equal(step.isDone(), true);

  const asked = build.addon(root, { VISAGE_CUDA: '1' });
  assert.equal(asked.isDone(), false);
  await asked.run(run);
  assert.equal(isCudaBuilt(), true);

  writeFileSync(join(root, 'build/Release/visage_cuda.so'), '');
  await step.run(run);
  assert.equal(isCudaBuilt(), true);
});
