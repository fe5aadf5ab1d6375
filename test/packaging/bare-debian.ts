/** Needs root, and network for the first run. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../testing/service.ts';

const SAMPLES = join(ROOT, 'node_modules/@vladmandic/face-api/demo');
const DEBIAN = join(ROOT, 'deps/debian-12');

function show(command: string, ...args: string[]): void {
  execFileSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
}

function installTools(tools: readonly string[]): void {
  const missing = tools.filter((tool) => spawnSync(tool, ['--version']).error);
  if (missing.length > 0) show('apt-get', 'install', '-y', '--no-install-recommends', ...missing);
}

/** The least Debian 12, made once. */
function makeDebian(): void {
  if (existsSync(DEBIAN)) return;
  rmSync(`${DEBIAN}.new`, { recursive: true, force: true });
  show('debootstrap', '--variant=minbase', 'bookworm', `${DEBIAN}.new`);
  renameSync(`${DEBIAN}.new`, DEBIAN);
}

/** Builds a package. @returns its file, moved to `to` with its SHA-256 beside it. */
export function build(root: string, out: string, to: string, ...options: string[]): string {
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
  const [built = ''] = made.split('\n');
  renameSync(built, file);
  renameSync(`${built}.sha256`, `${file}.sha256`);
  return file;
}

export function walk(script: string, packages: string, work: string): number {
  const [root, upper] = [join(work, 'root'), join(work, 'upper')];
  const steps = `
    set -e
    mount -t tmpfs tmpfs ${upper} && mkdir ${upper}/files ${upper}/work
    mount -t overlay overlay -o lowerdir=${DEBIAN},upperdir=${upper}/files,workdir=${upper}/work ${root}
    mount -t proc proc ${root}/proc && mount --rbind /dev ${root}/dev
    mkdir ${root}/pkg ${root}/pictures
    mount --bind ${packages} ${root}/pkg && mount --bind ${SAMPLES} ${root}/pictures
    cp ${join(ROOT, 'test/packaging', script)} ${root}/walk.sh
    ip link set lo up
    exec chroot ${root} /bin/bash /walk.sh`;
  for (const folder of [root, upper]) mkdirSync(folder);
  const { status } = spawnSync('unshare', ['-mpnf', '--mount-proc', 'sh', '-c', steps], {
    stdio: 'inherit',
  });
  return status ?? 1;
}

/** Ends the process with 1 where something did not hold, and with 64 where it is not root. */
export function inBareDebian(name: string, tools: readonly string[], run: (work: string) => string[]): void {
  if (process.getuid?.() !== 0) {
    console.error(`${name}: run it as root, which it needs to make a Debian root and to install in it.`);
    process.exit(64);
  }
  installTools(['debootstrap', ...tools]);
  makeDebian();
  mkdirSync(join(ROOT, 'release'), { recursive: true });
  const work = mkdtempSync(join(ROOT, 'release/.test-'));
  try {
    const failures = run(work);
    console.log(failures.length === 0 ? `${name}: all good` : `${name}: failed: ${failures.join(', ')}`);
    process.exitCode = failures.length === 0 ? 0 : 1;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
