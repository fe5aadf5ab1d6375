import { spawnSync } from 'node:child_process';
import { aptGet } from './debian-packages.mjs';
import { SetupError } from './work.mjs';

/** Base addresses of Debian's main archive as this machine's apt is set to reach it; needs apt's lists. */
function archives() {
  const { stdout } = spawnSync(
    'apt-get',
    ['indextargets', '--format', '$(REPO_URI) $(ORIGIN) $(LABEL) $(COMPONENT) $(CREATED_BY)'],
    { encoding: 'utf8' },
  );
  const addresses = (stdout ?? '')
    .split('\n')
    .filter((line) => line.endsWith(' Debian Debian main Packages'))
    .map((line) => line.split(' ')[0]);
  return [...new Set(addresses)];
}

/**
 * Downloads one file of Debian's pool through apt, so that the machine's mirrors and proxies are obeyed.
 * @param {{ path: string, sha256: string }} file path inside the archive, and what it must hash to
 * @param {string} destination
 * @param {import('./set-up.mjs').Work} work
 */
export async function downloadFromDebian(file, destination, { run }) {
  if (archives().length === 0) await aptGet(run, ['update'], 'sudo apt-get update');
  const [archive] = archives();
  if (!archive) {
    throw new SetupError(
      "apt on this machine knows no Debian archive (component main). Add one to apt's sources, run `apt-get update`, then start again.",
    );
  }
  // The hash is checked below apt's sandbox user, who may not enter a clone that lies in someone's home.
  const sandbox = ['-o', 'APT::Sandbox::User=root'];
  await run(
    '/usr/lib/apt/apt-helper',
    [...sandbox, 'download-file', `${archive}${file.path}`, destination, `SHA256:${file.sha256}`],
    { ifItFails: 'Check that this machine reaches its Debian archive, then start again.' },
  );
}
