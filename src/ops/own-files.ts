import { chmodSync, lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';

const MAX_DEPTH = 3;

/** File systems create it in mount points. */
const NOT_OURS = 'lost+found';

const FOR_OTHERS = 0o077;

function ownId(): number {
  return process.geteuid?.() ?? 0;
}

function whyForeign({ uid }: Stats): string | null {
  if (uid === ownId() || uid === 0) return null;
  return `belongs to user ${uid}, but this process runs as user ${ownId()}`;
}

/**
 * Follows a link, because the path comes from the settings.
 * @throws Error.
 */
export function checkOwnFolder(stats: Stats): void {
  if (!stats.isDirectory()) throw new Error('expected a folder');
  if (stats.uid === ownId()) return;
  throw new Error(
    `it belongs to user ${stats.uid}, but this process runs as user ${ownId()}. ` +
      'Run it as the owner of the folder, or change the owner of the folder and its content',
  );
}

/**
 * @returns the changed paths.
 * @throws Error for a symbolic link or another user's file.
 */
export function takeOwnFiles(folder: string): string[] {
  return Array.from(repair(folder, 1));
}

function* repair(folder: string, depth: number): Generator<string> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (!stats || name === NOT_OURS) continue;
    const why = stats.isSymbolicLink() ? 'is a symbolic link' : whyForeign(stats);
    if (why !== null) throw new Error(`${path} ${why}. Find out who created it, then delete it`);
    if ((stats.mode & FOR_OTHERS) !== 0 && stats.uid === ownId()) {
      chmodSync(path, stats.mode & 0o700);
      yield path;
    }
    if (stats.isDirectory() && depth < MAX_DEPTH && stats.uid === ownId()) yield* repair(path, depth + 1);
  }
}
