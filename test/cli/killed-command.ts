import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { childEnvironment, ROOT, temporaryFolder, VISAGECTL, visagectl } from '../../testing/service.ts';
import { FACE, rowOf, storeWithCollection } from '../../testing/temporary-store.ts';

let large: ReturnType<typeof makeLargeFolder> | undefined;
after(async () => (await large)?.remove());

async function makeLargeFolder() {
  const folder = await temporaryFolder();
  const { store, owner } = await storeWithCollection(folder.path);
  const faces = Array.from({ length: 20_000 }, (_, n) => store.faces.add(owner, 'people', FACE, rowOf(n)));
  await Promise.all(faces);
  await store.close();
  return folder;
}

export async function largeFolder(t: TestContext): Promise<{ data: string; backups: string }> {
  large ??= makeLargeFolder();
  const { path } = await large;
  const folder = await temporaryFolder();
  t.after(() => folder.remove());
  const data = join(folder.path, 'data');
  cpSync(path, data, { recursive: true });
  return { data, backups: join(folder.path, 'backups') };
}

export async function killWhen(isThere: () => boolean, args: string[]): Promise<boolean> {
  const child = spawn(VISAGECTL, args, { env: childEnvironment({}), cwd: ROOT, stdio: 'ignore' });
  const closed = once(child, 'close');
  while (child.exitCode === null && !isThere()) await delay(1);
  child.kill('SIGKILL');
  const [, signal] = await closed;
  return signal === 'SIGKILL';
}

export async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await visagectl(args, {});
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

export const beginning = (folder: string, start: string) =>
  existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(start) || name.endsWith(start));
