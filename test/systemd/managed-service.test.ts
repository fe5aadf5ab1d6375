import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { request as secureRequest } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { makeSelfSigned } from '../../src/ops/self-signed.ts';
import { buildManager, ManagedService } from '../../testing/managed-service.ts';
import { temporaryFolder, visagectl } from '../../testing/service.ts';

const DAY_MS = 86_400_000;

/** Asks once. @returns the status. @throws as the connection fails. */
function ask(port: number, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/livez', agent }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    }).once('error', reject);
  });
}

async function hammer(port: number, agent: Agent, answers: Map<string, number>, isDone: () => boolean) {
  while (!isDone()) {
    const outcome = await ask(port, agent).then(String, (error) => String(error.code ?? error));
    answers.set(outcome, (answers.get(outcome) ?? 0) + 1);
  }
}

/** SHA-256 of the certificate that a server shows. */
async function shownFingerprint(port: number): Promise<string> {
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const made = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => resolve(made));
    made.once('error', reject);
  });
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

describe('A service under a manager', () => {
  let folder: { path: string; remove(): Promise<void> };
  let service: ManagedService;
  let configFile: string;
  let settings: Record<string, string>;
  const dataDir = () => join(folder.path, 'data');
  const configure = (...lines: string[]) => writeFileSync(configFile, lines.join('\n'));

  before(async () => {
    folder = await temporaryFolder();
    configFile = join(folder.path, 'visage.toml');
    configure();
    settings = { VISAGE_CONFIG: configFile, VISAGE_DATA_DIR: dataDir(), WATCHDOG_USEC: '400000' };
    service = new ManagedService({
      manager: buildManager(folder.path),
      notifySocket: join(folder.path, 'notify.sock'),
      sockets: ['http', 'https', 'metrics'],
      settings,
    });
    await service.hears(/^READY=1/);
  });
  after(async () => {
    await service.stop();
    await folder.remove();
  });

  const port = (name: string) => service.ports.get(name) as number;
  const call = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port('http')}${path}`, init);
  const ctl = (...args: string[]) => visagectl(args, settings);
  const reload = async () => {
    const before = service.told.length;
    service.signal('SIGHUP');
    await service.hears(/^RELOADING=1\|MONOTONIC_USEC=\d+\|/, before);
    return service.hears(/^READY=1/, before);
  };
  const secureCall = (
    path: string,
    { method = 'GET', body = '', headers = {}, agent = undefined as never } = {},
  ) =>
    new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
      const ca = readFileSync(join(dataDir(), 'tls/self-signed.pem'), 'utf8');
      const sent = secureRequest(
        { host: '127.0.0.1', port: port('https'), path, method, ca, headers, agent },
        async (response) => {
          let text = '';
          for await (const chunk of response.setEncoding('utf8')) text += chunk;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        },
      );
      sent.once('error', reject).end(body);
    });

  test('is reached through each socket that it was handed', async () => {
    assert.equal((await call('/readyz')).status, 200);
    assert.equal((await secureCall('/readyz')).status, 200);
    const metrics = await (await fetch(`http://127.0.0.1:${port('metrics')}/metrics`)).text();
    assert.match(metrics, /^visage_tls_certificate_expiry\S* \d/m);
    assert.match(
      service.told[0] ?? '',
      new RegExp(`^READY=1\\|STATUS=Serving 0 faces at http://127.0.0.1:${port('http')}`),
    );
  });

  test('pings within the limit while it lives', async () => {
    const before = service.told.length;
    await service.hears(/^WATCHDOG=1$/, before);
  });

  test('takes a new log level and limits without a restart, and says what needs one', async () => {
    configure('address_rate_limit = 5', 'threads = 7', 'log_level = "warn"');
    assert.match(await reload(), /\|STATUS=Restart needed to apply: threads$/);
    const statuses = [];
    for (let count = 0; count < 7; count++) statuses.push((await call('/v1/healthz')).status);
    assert.deepEqual(statuses.slice(-1), [429]);
    configure();
    assert.match(await reload(), /\|STATUS=Serving /);
    assert.equal((await call('/v1/healthz')).status, 200);
    assert.ok(
      service.log.some(
        ({ msg, needRestart }) => /restart needed/.test(String(msg)) && String(needRestart) === 'threads',
      ),
    );
  });

  test('refuses wrong settings whole, says why, and serves on', async () => {
    configure('address_rate_limit = 5', '[prices]', 'readMinds = 1');
    assert.match(await reload(), /\|STATUS=Reload refused: .*readMinds/);
    for (let count = 0; count < 10; count++) assert.equal((await call('/v1/healthz')).status, 200);
    const { code, stderr } = await ctl('reload');
    assert.notEqual(code, 0);
    assert.match(stderr, /readMinds/);
    configure();
    assert.equal((await ctl('reload')).code, 0);
  });

  test('shows a new certificate after a reload, and drops no connection for it', async () => {
    const made = await shownFingerprint(port('https'));
    const open = connect({ host: '127.0.0.1', port: port('https'), rejectUnauthorized: false });
    const say = async () => {
      open.write('GET /livez HTTP/1.1\r\nHost: visage\r\n\r\n');
      return String((await new Promise<Buffer>((resolve) => open.once('data', resolve))).subarray(9, 12));
    };
    await new Promise((resolve) => open.once('secureConnect', resolve));
    assert.equal(await say(), '200');
    const own = makeSelfSigned(['visage.test'], new Date(Date.now() - DAY_MS), new Date(Date.now() + DAY_MS));
    mkdirSync(join(folder.path, 'tls'));
    writeFileSync(join(folder.path, 'tls/certificate.pem'), own.certificate);
    writeFileSync(join(folder.path, 'tls/key.pem'), own.key, { mode: 0o600 });
    configure('tls_certificate = "tls/certificate.pem"', 'tls_key = "tls/key.pem"');
    assert.match(await reload(), /\|STATUS=Serving /);
    const shown = await shownFingerprint(port('https'));
    assert.notEqual(shown, made);
    assert.ok(service.log.some(({ fingerprint, source }) => fingerprint === shown && source === 'files'));
    assert.equal(await say(), '200');

    writeFileSync(join(folder.path, 'tls/key.pem'), makeSelfSigned(['x'], new Date(), new Date()).key);
    assert.match(await reload(), /\|STATUS=Reload refused: The TLS key \S+ does not belong to/);
    assert.equal(await shownFingerprint(port('https')), shown);
    assert.equal(await say(), '200');
    open.destroy();
    configure();
    await reload();
    assert.equal(await shownFingerprint(port('https')), made);
  });

  test('speaks TLS 1.2 and later only', async () => {
    const attempt = (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') =>
      new Promise<string>((resolve) => {
        const socket = connect({
          host: '127.0.0.1',
          port: port('https'),
          rejectUnauthorized: false,
          minVersion: version,
          maxVersion: version,
          ciphers: 'DEFAULT@SECLEVEL=0',
        });
        socket.once('secureConnect', () => resolve(socket.destroy().getProtocol() ?? 'none'));
        socket.once('error', () => resolve('refused'));
      });
    assert.equal(await attempt('TLSv1.1'), 'refused');
    assert.notEqual(await attempt('TLSv1.2'), 'refused');
    assert.notEqual(await attempt('TLSv1.3'), 'refused');
  });

  test('shows the way from HTTP to HTTPS and tells browsers to stay there, where the settings say so', async () => {
    configure('tls_redirect = true', 'hsts_max_age = 3600');
    await reload();
    const sent = { method: 'POST', redirect: 'manual', body: 'x' } as const;
    const { status, headers } = await call('/v1/face/search?a=b', sent);
    assert.equal(status, 308);
    assert.equal(headers.get('location'), `https://127.0.0.1:${port('https')}/v1/face/search?a=b`);
    assert.equal((await secureCall('/livez')).headers['strict-transport-security'], 'max-age=3600');
    configure();
    await reload();
    assert.equal((await call('/livez')).status, 200);
    assert.equal((await secureCall('/livez')).headers['strict-transport-security'], undefined);
  });

  test('asks over TLS too for the set-up code, and knows whom a trusted proxy names', async () => {
    const register = (headers: Record<string, string>, setup_code?: unknown) =>
      secureCall('/auth/register-email', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify({
          name: 'Anna',
          email: 'a@b.example',
          password: 'correct horse battery',
          setup_code,
        }),
      });
    assert.equal((await register({ 'X-Forwarded-For': '203.0.113.9' })).status, 403);
    assert.equal((await register({ Host: 'localhost' })).status, 403);
    const code = service.log.findLast((line) => 'setupCode' in line)?.setupCode;
    const { status, text } = await register({ Host: 'localhost' }, code);
    assert.equal(Math.floor(status / 100), 2, text);

    const made = await ctl('keys', 'create', '--name', 'a', '--ip', '203.0.113.9', '--json');
    const { key } = JSON.parse(made.stdout) as { key: string };
    const list = async () =>
      (
        await secureCall('/v1/collection/get-all', {
          headers: { Authorization: `ApiKey ${key}`, 'X-Forwarded-For': '203.0.113.9' },
        })
      ).status;
    assert.equal(await list(), 403);
    configure('trusted_proxies = ["127.0.0.1"]');
    await reload();
    assert.equal(await list(), 200);
    configure();
    await reload();
    assert.equal(await list(), 403);
  });

  test('refuses nobody while it is restarted', async () => {
    let isDone = false;
    const answers = new Map<string, number>();
    const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: false })];
    const clients = agents.flatMap((agent) =>
      Array.from({ length: 4 }, () => hammer(port('http'), agent, answers, () => isDone)),
    );
    for (let round = 0; round < 2; round++) {
      const before = service.told.length;
      service.restart();
      await service.hears(/^STOPPING=1/, before);
      await service.hears(/^READY=1/, before);
    }
    isDone = true;
    await Promise.all(clients);
    for (const agent of agents) agent.destroy();
    assert.deepEqual([...answers.keys()], ['200'], JSON.stringify([...answers]));
    assert.deepEqual([service.started.length, ...service.ended], [3, 0, 0]);
  });
});
