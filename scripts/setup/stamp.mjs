/**
 * Stamps say what a made thing was made of: a hash of its sources, written beside it last of all.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Every file at or under `path`, in a stable order; none if there is nothing. */
function filesUnder(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name)));
}

/**
 * SHA-256 (hex) over names and contents.
 * @param {string} root folder that `paths` are relative to; it does not go into the hash
 * @param {string[]} paths files and folders; one that is missing counts as missing
 * @param {string[]} facts anything else that the result depends on
 */
export function hashOf(root, paths, facts = []) {
  const hash = createHash('sha256').update(JSON.stringify([paths, facts]));
  for (const path of paths) {
    for (const file of filesUnder(join(root, path))) {
      const content = readFileSync(file);
      hash.update(`\n${file.slice(root.length)} ${content.length}\n`).update(content);
    }
  }
  return hash.digest('hex');
}

/** Whether `file` holds exactly `hash`. */
export function isStamped(file, hash) {
  return existsSync(file) && readFileSync(file, 'utf8') === hash;
}

/** Writes a stamp so that it is there whole or not at all. */
export function writeStamp(file, hash) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, hash);
  renameSync(`${file}.new`, file);
}
