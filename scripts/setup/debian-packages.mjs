import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError } from './run.mjs';

const COMPILERS = ['g++', 'cmake', 'ninja-build', 'pkgconf'];
const IMAGE_LIBRARIES = ['libjpeg62-turbo-dev', 'libpng-dev', 'libwebp-dev'];
const LISTS_LOCK = '/var/lib/apt/lists/lock';
const LOCK_TIMEOUT_S = 300;
const FORMAT_LIBRARIES = ['libtiff-dev', 'libopenjp2-7-dev', 'libde265-dev', 'libdav1d-dev', 'liblcms2-dev'];

function missingPackages(packages) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: placeholders of dpkg-query
  const format = '${Package} ${db:Status-Status}\n';
  const { error, stdout } = spawnSync('dpkg-query', ['-W', '-f', format, ...packages], { encoding: 'utf8' });
  if (error) {
    throw new SetupError(`Set-up needs Debian 12 or later, with the packages ${packages.join(' ')}.`);
  }
  const lines = stdout.split('\n');
  return packages.filter((name) => !lines.includes(`${name} installed`));
}

const isRoot = () => process.getuid() === 0;
const canInstall = () => isRoot() || spawnSync('sudo', ['-n', 'true']).status === 0;

function isLocked(file) {
  const { ino } = statSync(file, { throwIfNoEntry: false }) ?? {};
  const locks = readFileSync('/proc/locks', 'utf8').split('\n');
  return locks.some((line) => line.includes(' POSIX ') && line.includes(`:${ino} `));
}

/** Waits until no other program holds an fcntl lock of `file`, or the time is over. */
export async function untilUnlocked(file, seconds = LOCK_TIMEOUT_S) {
  const end = Date.now() + 1000 * seconds;
  while (isLocked(file) && Date.now() < end) await sleep(200);
}

async function aptGet(run, args) {
  const command = `apt-get -o DPkg::Lock::Timeout=${LOCK_TIMEOUT_S} ${args}`;
  const byHand = `sudo apt-get ${args}`;
  if (!canInstall()) {
    throw new SetupError(
      `Debian packages need root or sudo without a password. Run \`${byHand}\` yourself, then start again.`,
    );
  }
  // apt's own time-out covers only the locks of dpkg.
  if (isLocked(LISTS_LOCK)) console.error('[set-up] waiting for another program that uses the lists of apt');
  await untilUnlocked(LISTS_LOCK);
  await run(isRoot() ? command : `sudo -n ${command}`, `Run \`${byHand}\` yourself, then start again.`);
}

/** @returns {import('./set-up.mjs').Step} */
export function debianPackages(packages = [...COMPILERS, ...IMAGE_LIBRARIES], name = 'Debian packages') {
  return {
    name,
    isDone: () => missingPackages(packages).length === 0,
    async run(run) {
      const missing = missingPackages(packages).join(' ');
      await aptGet(run, 'update');
      await aptGet(run, `install -y --no-install-recommends ${missing}`);
    },
  };
}

export const missingFormatLibraries = () => missingPackages(FORMAT_LIBRARIES);

/** @returns {import('./set-up.mjs').Step} */
export function formatLibraries() {
  const step = debianPackages(FORMAT_LIBRARIES, 'Debian packages of image formats');
  return { ...step, isDone: () => step.isDone() || !canInstall() };
}

/** Debian's main archive in apt's settings; needs apt's package lists. */
function archive() {
  const format = '$(REPO_URI) $(ORIGIN) $(LABEL) $(COMPONENT) $(CREATED_BY)';
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', format], { encoding: 'utf8' });
  const line = stdout?.split('\n').find((text) => text.endsWith(' Debian Debian main Packages'));
  return line?.split(' ')[0];
}

/**
 * @param {import('./run.mjs').Run} run
 * @param {{ path: string, sha256: string }} file `path` in the archive
 * @param {string} destination
 */
export async function downloadFromDebian(run, { path, sha256 }, destination) {
  if (!archive()) await aptGet(run, 'update');
  const address = archive();
  if (!address) throw new SetupError('apt has no source for Debian main: add one, then start again.');
  const asRoot = ['-o', 'APT::Sandbox::User=root'];
  await run(
    ['/usr/lib/apt/apt-helper', ...asRoot, 'download-file', address + path, destination, `SHA256:${sha256}`],
    'Check that this machine reaches its Debian archive, then start again.',
  );
}
