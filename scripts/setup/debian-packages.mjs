import { spawnSync } from 'node:child_process';
import { SetupError } from './work.mjs';

/** What the build needs beyond Node and npm, each with what it is for. */
export const PACKAGES = [
  'g++',
  'cmake',
  'ninja-build',
  'pkgconf', // finds the libraries below for CMake
  'libjpeg62-turbo-dev',
  'libpng-dev',
  'libwebp-dev',
  'libgif-dev',
];

/** Those of `packages` that dpkg does not hold installed. */
export function missingPackages(packages = PACKAGES) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...packages], {
    encoding: 'utf8',
  });
  if (query.error) {
    throw new SetupError(
      `This is not a Debian system (no dpkg-query), and set-up knows no other. Visage is built on Debian 12 with: ${packages.join(' ')}.`,
    );
  }
  const installed = new Set(
    query.stdout
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, status]) => status === 'installed')
      .map(([name]) => name),
  );
  return packages.filter((name) => !installed.has(name));
}

/**
 * Runs apt-get as root, or by sudo where that asks for no password.
 * @param {(command: string, args: string[], options?: object) => Promise<string>} run
 * @param {string[]} args
 * @param {string} byHand the command that a person can run instead
 */
export function aptGet(run, args, byHand) {
  const command = [
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-o',
    'DPkg::Lock::Timeout=300',
    ...args,
  ];
  if (process.getuid() !== 0) {
    if (spawnSync('sudo', ['-n', 'true']).status !== 0) {
      throw new SetupError(
        `apt-get has work to do, and this user is neither root nor may use sudo without a password. Run \`${byHand}\`, then start again.`,
      );
    }
    command.unshift('sudo', '-n');
  }
  return run(command[0], command.slice(1), {
    ifItFails: `If the log does not tell why, run \`${byHand}\` by hand, then start again.`,
  });
}

/**
 * @param {string[]} packages
 * @returns {import('./set-up.mjs').Step}
 */
export function debianPackages(packages = PACKAGES) {
  return {
    name: 'Debian packages',
    isDone: () => missingPackages(packages).length === 0,
    async run({ run, report }) {
      const missing = missingPackages(packages);
      const byHand = `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`;
      report('updating the list of packages');
      await aptGet(run, ['update'], byHand);
      report(`installing ${missing.join(' ')}`);
      await aptGet(run, ['install', '-y', '--no-install-recommends', ...missing], byHand);
    },
  };
}
