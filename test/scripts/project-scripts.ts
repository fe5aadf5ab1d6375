/** The way from a compiled test to `scripts/`, which is plain JavaScript and is not compiled. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `scripts/` at the project's top, seen from `dist/test/scripts/`. */
export const SCRIPTS = new URL('../../../scripts/', import.meta.url);

/** Makes a temporary folder with these files in it; the caller removes it. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'visage-scripts-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Runs a program of `scripts/` to its end, as a person would, not as a part of this test run. */
export function runScript(name: string, ...args: string[]): { code: number | null; output: string } {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const script = fileURLToPath(new URL(name, SCRIPTS));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    env,
    encoding: 'utf8',
  });
  return { code: status, output: stdout + stderr };
}
