import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Child, childEnvironment, ROOT } from '../../testing/service.ts';

export async function commandsOf(page: string): Promise<string[]> {
  const text = await readFile(join(ROOT, page), 'utf8');
  return Array.from(text.matchAll(/^```sh\n([\s\S]*?)^```$/gm), (match) => match[1] as string);
}

export async function runCommands(commands: string, service: Child, folder: string): Promise<unknown[]> {
  const here = commands.replaceAll('http://127.0.0.1:8080', service.url).replaceAll('curl ', 'curl -sS ');
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', here], {
    cwd: ROOT,
    env: childEnvironment({ VISAGE_DATA_DIR: folder }),
  });
  return stdout.split(/(?<=\})(?=\{)/).map((text) => JSON.parse(text) as unknown);
}
