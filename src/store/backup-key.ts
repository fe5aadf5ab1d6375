/** Authenticates backups. Write access to data folder and backups does not suffice to forge one. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { chownSync, linkSync, mkdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { openPlainFile } from './plain-files.ts';

/** Its `message` is for the operator. */
export class BackupError extends Error {}

const KEY_BYTES = 32;

const MAX_FILE_BYTES = 128;

const MAC_DOMAIN = 'visage backup manifest\0';
const ID_DOMAIN = 'visage backup key id\0';

export class BackupKey {
  /** 16 hex digits. */
  readonly id: string;
  readonly #secret: Buffer;

  constructor(secret: Buffer) {
    this.#secret = secret;
    this.id = createHash('sha256').update(ID_DOMAIN).update(secret).digest('hex').slice(0, 16);
  }

  /** @returns 64 hex digits. */
  sign(bytes: Buffer): string {
    return this.#mac(bytes).toString('hex');
  }

  /** In constant time. */
  verifies(bytes: Buffer, code: string): boolean {
    const given = Buffer.from(code, 'hex');
    return given.length === KEY_BYTES && timingSafeEqual(given, this.#mac(bytes));
  }

  #mac(bytes: Buffer): Buffer {
    return createHmac('sha256', this.#secret).update(MAC_DOMAIN).update(bytes).digest();
  }
}

/**
 * @returns null if missing.
 * @throws BackupError for a malformed key, or one readable by other users.
 */
export async function readBackupKey(path: string): Promise<BackupKey | null> {
  let text: string;
  try {
    const handle = await openPlainFile(dirname(path), basename(path));
    try {
      const { size, mode } = await handle.stat();
      if ((mode & 0o037) !== 0) {
        throw new BackupError(
          `The backup key ${path} has mode ${(mode & 0o777).toString(8).padStart(4, '0')}, so others can use it. ` +
            `Expected 0640 or less: chmod 0640 ${path}.`,
        );
      }
      text = size > MAX_FILE_BYTES ? '' : await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof BackupError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new BackupError(`The backup key ${path} cannot be read: ${code}.`, { cause });
  }
  if (!/^[0-9a-f]{64}\n?$/.test(text)) {
    throw new BackupError(`${path} holds no backup key: expected 64 hex digits.`);
  }
  return new BackupKey(Buffer.from(text.trim(), 'hex'));
}

/** Keeps an existing file. @param group may also read it. */
export async function makeBackupKey(path: string, group: number | null): Promise<BackupKey> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(`${randomBytes(KEY_BYTES).toString('hex')}\n`);
      if (group !== null) {
        chownSync(draft, process.getuid?.() ?? 0, group);
        await handle.chmod(0o640);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    linkSync(draft, path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EEXIST') {
      throw new BackupError(
        `There is no backup key at ${path}, and it cannot be created there (${code}). Run the command once as root, ` +
          'or set backup_key to a path outside the data folder.',
        { cause },
      );
    }
  } finally {
    rmSync(draft, { force: true });
  }
  const key = await readBackupKey(path);
  if (key === null)
    throw new BackupError(
      `The backup key ${path} was removed while this command ran. Run the command again.`,
    );
  return key;
}

/** @throws BackupError */
export function checkKeyIsOutside(path: string, folders: readonly string[]): void {
  const place = join(realpathOf(dirname(path)), basename(path));
  for (const folder of folders) {
    const way = relative(realpathOf(folder), place);
    if (way.startsWith('..')) continue;
    throw new BackupError(
      `The backup key ${path} is in ${folder}, so a copy of that folder includes the key. Set backup_key to a path outside it.`,
    );
  }
}

function realpathOf(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) ? realpathSync(path) : path;
}
