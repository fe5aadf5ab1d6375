import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../src/ops/data-folder.js', import.meta.url));
const STORE = fileURLToPath(new URL('../src/store/store.js', import.meta.url));

export const STRANGER = 65534;
export const isRoot = process.getuid?.() === 0;

export interface Taking {
  readonly refusal: string | null;
  readonly exitCode: number | null;
  readonly repaired: readonly string[];
}

/** @param uid the user who does it; the tests' own unless given, which only root may. */
export function takeElsewhere(folder: string, uid?: number): Taking {
  const script = `
    process.umask(0);
    const { takeDataFolder } = await import(${JSON.stringify(FOLDER)});
    try {
      const repaired = takeDataFolder(${JSON.stringify(folder)});
      const { Store } = await import(${JSON.stringify(STORE)});
      const store = Store.open(${JSON.stringify(folder)});
      await store.close();
      console.log(JSON.stringify({ refusal: null, exitCode: null, repaired }));
    } catch (error) {
      console.log(JSON.stringify({ refusal: error.message, exitCode: error.exitCode ?? null, repaired: [] }));
    }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  if (stdout === '') throw new Error(`The folder was neither taken nor refused: ${stderr}`);
  return JSON.parse(stdout) as Taking;
}
