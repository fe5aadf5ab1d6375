import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { childEnvironment, ROOT, temporaryFolder } from '../e2e/service.ts';

const MAIN = join(ROOT, 'dist/src/main.js');
const hasActivate = spawnSync('systemd-socket-activate', ['--version']).status === 0;

/** Ports that nobody uses at the moment. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** Runs the service under systemd's own tool, which starts it with the first connection. */
async function activated(
  fdnames: string,
  work: (ports: number[], stderr: () => string, ended: Promise<unknown[]>) => Promise<void>,
): Promise<void> {
  const folder = await temporaryFolder();
  const names = fdnames.split(':');
  const ports = await freePorts(names.length);
  const settings = childEnvironment({ VISAGE_DATA_DIR: folder.path, VISAGE_LISTEN: 'nowhere.invalid:1' });
  const passed = Object.entries(settings).map(([name, value]) => `--setenv=${name}=${value}`);
  const listens = ports.map((port) => `--listen=127.0.0.1:${port}`);
  const program = [process.execPath, MAIN];
  const child = spawn('systemd-socket-activate', [...passed, ...listens, `--fdname=${fdnames}`, ...program], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: ROOT,
  });
  let stderr = '';
  const ended = once(child, 'close');
  const listening = new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
      if ((stderr.match(/Listening on/g)?.length ?? 0) === ports.length) resolve();
    });
  });
  await listening;
  try {
    await work(ports, () => stderr, ended);
  } finally {
    child.kill('SIGTERM');
    await ended;
    await folder.remove();
  }
}

const options = { skip: hasActivate ? false : 'systemd-socket-activate is not installed' };

test('systemd-socket-activate starts the service, whose first client waits for it', options, async () => {
  await activated('http:metrics', async ([http, metrics]) => {
    const ready = await fetch(`http://127.0.0.1:${http}/readyz`);
    assert.equal(ready.status, 200);
    assert.match(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text(), /^visage_/m);
  });
});

test('a socket without a name that Visage knows ends the start with code 78', options, async () => {
  await activated('ftp', async ([port], stderr, ended) => {
    await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    assert.deepEqual((await ended)[0], 78);
    assert.match(stderr(), /a socket named "ftp".*FileDescriptorName/);
  });
});
