import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { childEnvironment, ROOT, temporaryFolder, visagectl } from '../../testing/service.ts';

const MAIN = join(ROOT, 'dist/src/main.js');
const hasActivate = spawnSync('systemd-socket-activate', ['--version']).status === 0;

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

async function activated(
  fdnames: string,
  work: (ports: number[], stderr: () => string, ended: Promise<unknown[]>, folder: string) => Promise<void>,
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
    await work(ports, () => stderr, ended, folder.path);
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

test(
  'status and doctor name the sockets that were handed over, and the setting that they replace',
  options,
  async () => {
    await activated('http:metrics', async ([http, metrics], _, __, folder) => {
      assert.equal((await fetch(`http://127.0.0.1:${http}/readyz`)).status, 200);
      const settings = { VISAGE_DATA_DIR: folder, VISAGE_LISTEN: 'nowhere.invalid:1' };
      const status = JSON.parse((await visagectl(['status', '--json'], settings)).stdout);
      assert.deepEqual(status.listens, [`http://127.0.0.1:${http}`, `http://127.0.0.1:${metrics}`]);
      const doctor = await visagectl(['doctor', '--json'], settings);
      assert.equal(doctor.code, 0, doctor.stdout);
      const { findings } = JSON.parse(doctor.stdout) as { findings: Record<string, string>[] };
      assert.deepEqual(
        findings.filter(({ check }) => check === 'ports').map(({ level, says }) => [level, says]),
        [
          ['ok', `http://127.0.0.1:${http}: service listens, socket of visage.socket`],
          ['ok', `http://127.0.0.1:${metrics}: service listens, socket of visage-metrics.socket`],
          ['warning', 'listen has no effect: systemd provides the sockets'],
        ],
      );
      assert.match(
        JSON.stringify(findings),
        /Remove it\. To change the address, run `systemctl edit visage\.socket`\./,
      );
      const checked = await visagectl(['config', 'check'], settings);
      assert.deepEqual([checked.code, checked.stderr.split(' ', 4).join(' ')], [0, 'listen has no effect:']);
    });
  },
);

test('a socket without a name that Visage knows ends the start with code 78', options, async () => {
  await activated('ftp', async ([port], stderr, ended) => {
    await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    assert.deepEqual((await ended)[0], 78);
    assert.match(stderr(), /FileDescriptorName .* got "ftp"/);
  });
});
