/**
 * `npm run test:package`: builds packages and takes them through the life of an appliance in a bare Debian 12 root, then
 * builds one from a second clone and compares the bytes, and asks lintian. Needs root, and network for the first run.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../e2e/service.ts';

const SAMPLES = join(ROOT, 'node_modules/@vladmandic/face-api/demo');
const DEBIAN = join(ROOT, 'deps/debian-12');

/** Runs a command whose output is for the person who waits. */
function show(command: string, ...args: string[]): void {
  execFileSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
}

function installTools(): void {
  const missing = ['debootstrap', 'lintian'].filter((tool) => spawnSync(tool, ['--version']).error);
  if (missing.length > 0) show('apt-get', 'install', '-y', '--no-install-recommends', ...missing);
}

/** The least Debian 12, made once. */
function makeDebian(): void {
  if (existsSync(DEBIAN)) return;
  rmSync(`${DEBIAN}.new`, { recursive: true, force: true });
  show('debootstrap', '--variant=minbase', 'bookworm', `${DEBIAN}.new`);
  renameSync(`${DEBIAN}.new`, DEBIAN);
}

const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Builds a package. @returns its file, moved to `to`. */
function build(root: string, out: string, to: string, ...options: string[]): string {
  const made = execFileSync(
    process.execPath,
    ['scripts/package.mjs', '--offline', '--out', out, ...options],
    {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const file = join(out, to);
  renameSync(String(made.split('\n')[0]), file);
  return file;
}

/** Runs `walk.sh` in a root that is thrown away, with namespaces of its own for mounts, processes and network. */
function walk(packages: string, work: string): number {
  const [root, upper] = [join(work, 'root'), join(work, 'upper')];
  const script = `
    set -e
    mount -t tmpfs tmpfs ${upper} && mkdir ${upper}/files ${upper}/work
    mount -t overlay overlay -o lowerdir=${DEBIAN},upperdir=${upper}/files,workdir=${upper}/work ${root}
    mount -t proc proc ${root}/proc && mount --rbind /dev ${root}/dev
    mkdir ${root}/pkg ${root}/pictures
    mount --bind ${packages} ${root}/pkg && mount --bind ${SAMPLES} ${root}/pictures
    cp ${join(ROOT, 'test/packaging/walk.sh')} ${root}/walk.sh
    ip link set lo up
    exec chroot ${root} /bin/bash /walk.sh`;
  for (const folder of [root, upper]) mkdirSync(folder);
  const { status } = spawnSync('unshare', ['-mpnf', '--mount-proc', 'sh', '-c', script], {
    stdio: 'inherit',
  });
  return status ?? 1;
}

/** A clone of the commit elsewhere, that is set up with what is already downloaded. */
function secondClone(folder: string): void {
  execFileSync('git', ['clone', '--quiet', ROOT, folder]);
  for (const name of ['node_modules', 'deps/faiss', 'deps/onnxruntime', 'models']) {
    if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
}

if (process.getuid?.() !== 0) {
  console.error('test:package: run it as root, which it needs to make a Debian root and to install in it.');
  process.exit(64);
}
installTools();
makeDebian();
mkdirSync(join(ROOT, 'release'), { recursive: true });
const work = mkdtempSync(join(ROOT, 'release/.test-'));
const failures: string[] = [];
try {
  const packages = join(work, 'packages');
  const first = build(ROOT, packages, 'first.deb', '--fast');
  build(ROOT, packages, 'second.deb', '--fast', '--version', '99.0.0');
  build(ROOT, packages, 'third.deb', '--fast', '--version', '99.1.0', '--schema', '99');
  if (walk(packages, work) !== 0) failures.push("the walk through an appliance's life");

  const clone = join(work, 'elsewhere');
  secondClone(clone);
  const again = build(clone, join(work, 'again'), 'first.deb', '--fast');
  const isSame = sha256(first) === sha256(again);
  console.log(`${isSame ? 'ok' : 'not ok'} - a clone in another folder builds the same bytes`);
  if (!isSame) failures.push('the same bytes from another folder');

  const released = build(ROOT, join(work, 'released'), 'visage.deb');
  const { status } = spawnSync('lintian', ['--fail-on', 'error', '--allow-root', released], {
    stdio: 'inherit',
  });
  console.log(`${status === 0 ? 'ok' : 'not ok'} - lintian finds no error`);
  if (status !== 0) failures.push('lintian');
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(
  failures.length === 0 ? 'test:package: all good' : `test:package: failed: ${failures.join(', ')}`,
);
process.exitCode = failures.length === 0 ? 0 : 1;
