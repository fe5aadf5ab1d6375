/** For folders that other users can write to. Refuses symbolic links, pipes and devices. */
import { constants, readdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * @param folder may contain symbolic links.
 * @param path NAME or FOLDER/NAME, without symbolic links.
 * @throws a system error; its `code` is a phrase for other kinds of files.
 */
export async function openPlainFile(folder: string, path: string): Promise<FileHandle> {
  const [first = '', second] = path.split('/');
  if (second === undefined) return openIn(folder, first);
  const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
  const parent = await open(join(folder, first), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    // An attacker can replace the path, but not the descriptor.
    return await openIn(`/proc/self/fd/${parent.fd}`, second);
  } finally {
    await parent.close();
  }
}

async function openIn(folder: string, name: string): Promise<FileHandle> {
  const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
  // Otherwise a pipe without a writer blocks.
  const handle = await open(`${folder}/${name}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw Object.assign(new Error(`${name} is not a regular file`), { code: 'it is not a regular file' });
}

/** @throws as `openPlainFile`, and beyond `maxBytes`. */
export async function readPlainFile(folder: string, path: string, maxBytes: number): Promise<Buffer> {
  const handle = await openPlainFile(folder, path);
  try {
    if ((await handle.stat()).size > maxBytes) {
      const code = `it has more than ${maxBytes} bytes`;
      throw Object.assign(new Error(`${path}: ${code}`), { code });
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

export function unexpectedEntries(folder: string, expected: ReadonlySet<string>): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => !expected.has(path))
    .sort();
}
