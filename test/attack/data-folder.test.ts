import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolderFor } from '../../src/cli/privileges.ts';
import { attack, isFull } from '../../testing/attack.ts';
import { startChild, visagectl } from '../../testing/service.ts';
import { isRoot, STRANGER, takeElsewhere } from '../../testing/take-folder.ts';

const VICTIM_TEXT = 'belongs to somebody else';

const NAMES = [
  'visage.lock',
  'data.mdb',
  'lock.mdb',
  'signing-keys',
  'snapshots',
  'last-backup.json.new',
  ...(isFull ? ['admin.sock', 'tls', 'prepared', 'engines', 'last-backup.json', '.restore'] : []),
];

/** Puts a trap in the place of a file. @returns the path that a command must not touch. */
const TRAPS: Readonly<Record<string, (path: string, aside: string) => string>> = {
  'a link to a file': (path, aside) => {
    const victim = join(aside, 'victim');
    writeFileSync(victim, VICTIM_TEXT);
    symlinkSync(victim, path);
    return victim;
  },
  'a link to a folder': (path, aside) => {
    symlinkSync(aside, path);
    return aside;
  },
  'a link to nothing': (path, aside) => {
    symlinkSync(join(aside, 'made'), path);
    return join(aside, 'made');
  },
  ...(isRoot && {
    'a file of another user': (path) => {
      writeFileSync(path, VICTIM_TEXT);
      chownSync(path, STRANGER, STRANGER);
      return path;
    },
  }),
};

function scene(): { root: string; folder: string; aside: string; stateOf: (path: string) => string } {
  const root = mkdtempSync(join(tmpdir(), 'visage-test-'));
  const [folder, aside] = [join(root, 'data'), join(root, 'aside')];
  for (const each of [folder, aside]) mkdirSync(each, { mode: 0o700 });
  const stateOf = (path: string) => {
    if (!existsSync(path)) return 'missing';
    const stats = lstatSync(path);
    const content = stats.isDirectory() ? readdirSync(path).join() : readFileSync(path, 'utf8');
    return `${stats.mode} ${stats.uid} ${content}`;
  };
  return { root, folder, aside, stateOf };
}

attack('Nothing that another user planted in the data folder is followed', async (tally) => {
  for (const name of NAMES) {
    for (const [trap, plant] of Object.entries(TRAPS)) {
      const { root, folder, aside, stateOf } = scene();
      const victim = plant(join(folder, name), aside);
      const before = stateOf(victim);
      const { refusal } = takeElsewhere(folder);
      tally.attempt(`${name} is ${trap}`, refusal === null || stateOf(victim) !== before);
      rmSync(root, { recursive: true });
    }
  }
});

attack('A lock file that is no plain file of this user is refused', async (tally) => {
  const locks: Readonly<Record<string, (path: string, aside: string) => void>> = {
    'a second link to a file': (path, aside) => {
      writeFileSync(join(aside, 'victim'), VICTIM_TEXT, { mode: 0o600 });
      linkSync(join(aside, 'victim'), path);
    },
    'a FIFO': (path) => spawnSync('mkfifo', [path]),
    'a folder': (path) => mkdirSync(path),
  };
  for (const [what, plant] of Object.entries(locks)) {
    const { root, folder, aside } = scene();
    plant(join(folder, 'visage.lock'), aside);
    tally.attempt(`visage.lock is ${what}`, takeElsewhere(folder).refusal === null);
    rmSync(root, { recursive: true });
  }
});

if (isRoot) {
  attack('No process takes the data folder of another user', async (tally) => {
    const { root, folder } = scene();
    chmodSync(root, 0o755);
    for (const [owner, user] of [
      [STRANGER, 0],
      [0, STRANGER],
      [STRANGER - 1, STRANGER],
    ] as const) {
      for (const mode of [0o700, 0o777]) {
        chownSync(folder, owner, owner);
        chmodSync(folder, mode);
        const isTaken = takeElsewhere(folder, user).refusal === null;
        tally.attempt(`user ${user} takes a folder of user ${owner}, mode ${mode.toString(8)}`, isTaken);
      }
    }
    rmSync(root, { recursive: true });
  });
}

if (isRoot) {
  attack('Root makes no folder where the owner of the data leads it', async (tally) => {
    for (const path of ['backups', 'a/b/backups']) {
      const { root, folder, aside } = scene();
      for (const each of [root, folder]) chownSync(each, STRANGER, STRANGER);
      symlinkSync(aside, join(root, 'evil'));
      makeFolderFor(folder, join(root, 'evil', path));
      makeFolderFor(folder, join(root, 'own', path));
      tally.attempt(`make ${path} behind a link`, readdirSync(aside).length > 0);
      tally.attempt(`make ${path} in a folder that the owner may change`, existsSync(join(root, 'own')));
      rmSync(root, { recursive: true });
    }
  });
}

function* wideFiles(folder: string): Generator<string> {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    if ((lstatSync(path).mode & 0o077) !== 0) yield path;
  }
}

attack('A running service leaves nothing of its data folder to other users', async (tally) => {
  const { root, folder } = scene();
  const umask = process.umask(0);
  try {
    takeElsewhere(folder);
    for (const name of ['data.mdb', 'lock.mdb']) chmodSync(join(folder, name), 0o644);
    chmodSync(folder, 0o755);
    const child = await startChild(folder);
    const wide = new Set(wideFiles(folder));
    if ((lstatSync(folder).mode & 0o077) !== 0) wide.add(folder);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    for (const name of files) tally.attempt(`read ${name}`, wide.has(join(folder, name)));
    const told = child.log.filter(({ path }) => typeof path === 'string').map(({ path }) => path);
    tally.attempt(
      'be readable until then without a line in the log',
      !told.includes(join(folder, 'data.mdb')),
    );
    const backups = join(root, 'backups');
    const { code, stderr } = await visagectl(['backup', '--to', backups], { VISAGE_DATA_DIR: folder });
    if (code !== 0) throw new Error(stderr);
    const open = new Set(wideFiles(backups));
    for (const name of readdirSync(backups, { recursive: true, encoding: 'utf8' })) {
      tally.attempt(`read ${name} of a backup`, open.has(join(backups, name)));
    }
    await child.stop();
  } finally {
    process.umask(umask);
    rmSync(root, { recursive: true });
  }
});
