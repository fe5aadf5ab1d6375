import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { attack, isFull } from '../../testing/attack.ts';
import { childEnvironment, MAIN, ROOT, startChild, temporaryFolder } from '../../testing/service.ts';
import { isRoot, STRANGER } from '../../testing/take-folder.ts';

const FILES = ['mem', 'maps', 'environ', 'smaps', 'auxv', 'io', 'fd', 'map_files'];
const SIGNALS = isFull
  ? (['SIGABRT', 'SIGSEGV', 'SIGQUIT', 'SIGBUS', 'SIGILL', 'SIGFPE'] as const)
  : (['SIGSEGV'] as const);

function readable(pid: number, uid: number): string[] {
  const script = `
    const { openSync, readdirSync } = require('node:fs');
    const open = (name) => {
      const path = '/proc/${pid}/' + name;
      try {
        return name === 'fd' || name === 'map_files' ? readdirSync(path).length >= 0 : openSync(path, 'r') > 0;
      } catch {
        return false;
      }
    };
    console.log(JSON.stringify(${JSON.stringify(FILES)}.filter(open)));`;
  const { stdout } = spawnSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    ...(isRoot ? { uid, gid: uid } : {}),
  });
  return JSON.parse(stdout) as string[];
}

attack('A crash leaves no memory of the service in a file', async (tally) => {
  for (const signal of SIGNALS) {
    const folder = await temporaryFolder();
    const { process: child } = await startChild(folder.path);
    spawnSync('prlimit', ['--pid', String(child.pid), '--core=unlimited']);
    const ended = once(child, 'close');
    child.kill(signal);
    await ended;
    for (const name of ['core', `core.${child.pid}`]) {
      const file = join(ROOT, name);
      tally.attempt(`${name} after ${signal}`, existsSync(file));
      rmSync(file, { force: true });
    }
    await folder.remove();
  }
});

async function startAs(program: readonly string[], word: string, settings: Record<string, string> = {}) {
  const user = isRoot ? { uid: STRANGER, gid: STRANGER } : {};
  const child = spawn(process.execPath, program, { env: childEnvironment(settings), ...user });
  let said = '';
  const isReady = (async () => {
    for await (const text of child.stdout.setEncoding('utf8')) {
      said += text;
      if (said.includes(word)) return true;
    }
    return false;
  })();
  assert.ok(await isReady, said);
  return child;
}

attack('No process of the same user reads the memory of the service', async (tally) => {
  const folder = await temporaryFolder();
  if (isRoot) chownSync(folder.path, STRANGER, STRANGER);
  const user = isRoot ? STRANGER : (process.getuid?.() as number);
  const other = await startAs(['-e', 'console.log("ready"); setInterval(() => {}, 1000)'], 'ready');
  assert.ok(readable(other.pid as number, user).includes('environ'));
  other.kill();
  const settings = { VISAGE_DATA_DIR: folder.path, VISAGE_LISTEN: '127.0.0.1:0' };
  const service = await startAs([MAIN], 'listening', settings);
  const found = readable(service.pid as number, user);
  for (const name of FILES) tally.attempt(`/proc/PID/${name}`, found.includes(name));
  const ended = once(service, 'exit');
  service.kill();
  await ended;
  await folder.remove();
});
