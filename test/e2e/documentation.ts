/** Commands of the documentation, run as they are written. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Child, childEnvironment, ROOT } from './service.ts';

/** The text of every block of commands of a page, in order. @param page relative to the project's top. */
export async function commandsOf(page: string): Promise<string[]> {
  const text = await readFile(join(ROOT, page), 'utf8');
  return Array.from(text.matchAll(/^```sh\n([\s\S]*?)^```$/gm), (match) => match[1] as string);
}

/**
 * Runs commands against a started service, in place of the address that the documentation has.
 * @returns every answer in JSON that they write, in order.
 */
export async function runCommands(commands: string, service: Child, folder: string): Promise<unknown[]> {
  const here = commands.replaceAll('http://127.0.0.1:8080', service.url).replaceAll('curl ', 'curl -sS ');
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', here], {
    cwd: ROOT,
    env: childEnvironment({ VISAGE_DATA_DIR: folder }),
  });
  return stdout.split(/(?<=\})(?=\{)/).map((text) => JSON.parse(text) as unknown);
}
