/** What root does to the service's data it does as the service's user, so that no file of root's is left there. */
import { chownSync, existsSync, mkdirSync, statSync } from 'node:fs';

/** Whose a folder is, where this process is root and may act for another user. */
function ownerOf(folder: string): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0 || !existsSync(folder)) return null;
  const { uid, gid } = statSync(folder);
  return uid === 0 ? null : { uid, gid };
}

/**
 * Becomes the owner of a folder, for good, where this process is root and the folder another user's. Does nothing
 * otherwise.
 */
export function becomeOwnerOf(folder: string): void {
  const owner = ownerOf(folder);
  if (!owner) return;
  process.setgroups?.([owner.gid]);
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
}

/** Makes a folder (mode 0700) if it is missing, for the owner of another one. */
export function makeFolderFor(dataDir: string, folder: string): void {
  if (existsSync(folder)) return;
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
  const owner = ownerOf(dataDir);
  if (made && owner) chownSync(folder, owner.uid, owner.gid);
}
