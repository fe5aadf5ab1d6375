/** Root acts as the service's user, or the data folder gets files of root. */
import { existsSync, lchownSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

function ownerOf(folder: string): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0 || !existsSync(folder)) return null;
  const { uid, gid } = statSync(folder);
  return uid === 0 ? null : { uid, gid };
}

/** Permanent. */
export function becomeOwnerOf(folder: string): void {
  const owner = ownerOf(folder);
  if (!owner) return;
  process.setgroups?.([owner.gid]);
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
}

/** Accepts sticky folders such as /tmp. */
function isRootsAlone(folder: string): boolean {
  const { uid, mode } = statSync(folder);
  const isOwn = uid === 0 && ((mode & 0o022) === 0 || (mode & 0o1000) !== 0);
  return isOwn && (folder === '/' || isRootsAlone(dirname(folder)));
}

/** Mode 0700. Does nothing if other users can change the parent. */
export function makeFolderFor(dataDir: string, folder: string): void {
  const owner = ownerOf(dataDir);
  if (existsSync(folder) || !owner) return;
  const missing: string[] = [];
  let parent = folder;
  while (!existsSync(parent)) {
    missing.unshift(basename(parent));
    parent = dirname(parent);
  }
  const root = realpathSync(parent);
  if (!isRootsAlone(root)) return;
  const made = missing.map((_, at) => join(root, ...missing.slice(0, at + 1)));
  for (const each of made) mkdirSync(each, { mode: 0o700 });
  // Root controls the inner folders until the outer ones change owner.
  for (const each of made.reverse()) lchownSync(each, owner.uid, owner.gid);
}
