import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { portrait } from '../../testing/photographs.ts';
import {
  type Service,
  setupCodeOf,
  startService,
  temporaryFolder,
  visagectl,
} from '../../testing/service.ts';

const EMAIL = 'grace.hopper@navy.example';
const NAME = 'Grace Brewster';
const PASSWORD = 'nanoseconds of wire 1906';
const EXTERNAL_KEY = 'employee-7734-hopper';
const COLLECTION = 'admirals-lounge';

let service: Service;
let backups: { path: string; remove(): Promise<void> };
let token: string;
let key: string;
/** Secrets that a diagnosis must not contain. */
const secrets = new Map<string, string>();

async function call(method: string, path: string, json?: unknown, credential = token) {
  const response = await fetch(service.child.url + path, {
    method,
    headers: {
      ...(credential === '' ? {} : { Authorization: `Bearer ${credential}` }),
      ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text === '' ? null : JSON.parse(text),
  };
}

before(async () => {
  backups = await temporaryFolder();
  service = await startService({
    VISAGE_BACKUP_DIR: join(backups.path, 'kept'),
    VISAGE_BACKUP_KEEP: '2',
    VISAGE_BACKUP_KEY: join(backups.path, 'secret-place', 'backup.key'),
    VISAGE_TLS_LISTEN: '127.0.0.1:0',
    VISAGE_ALLOWED_ORIGINS: 'https://intranet.navy.example',
    VISAGE_TRUSTED_PROXIES: '10.77.5.4',
    VISAGE_METRICS_LISTEN: '127.0.0.1:0',
  });
  const setup_code = await setupCodeOf(service.child);
  const person = { name: NAME, email: EMAIL, password: PASSWORD };
  const registered = await call('POST', '/auth/register-email', { ...person, setup_code }, '');
  assert.equal(registered.status, 201, registered.text);
  const session = (await call('POST', '/auth/login', { email: EMAIL, password: PASSWORD }, '')).body.data;
  token = session.token;
  const made = (await call('POST', '/v1/auth/api-keys', { name: 'gate-camera-9', collection_id: null })).body;
  key = made.key;
  await call(
    'POST',
    '/v1/collection/create',
    { collectionId: COLLECTION, description: 'Where they rest' },
    key,
  );
  const image = { bytes: (await portrait('anna')).toString('base64') };
  const enroll = { collectionId: COLLECTION, externalKey: EXTERNAL_KEY, image };
  const enrolled = await call('POST', '/v1/face/enroll', enroll, key);
  assert.equal(enrolled.status, 200, enrolled.text);
  await call('POST', '/v1/face/search', { collectionId: COLLECTION, image, source: 'door-camera-4' }, key);
  await call('GET', '/v1/collection/get-all', undefined, `fr_live_${'a'.repeat(32)}`);
  for (const [what, secret] of Object.entries({
    email: EMAIL,
    name: NAME,
    password: PASSWORD,
    'external key': EXTERNAL_KEY,
    collection: COLLECTION,
    description: 'Where they rest',
    source: 'door-camera-4',
    'key name': 'gate-camera-9',
    'session token': token,
    'refresh token': session.refresh_token,
    member: registered.body.data.user_id,
    account: registered.body.data.account_id,
    key,
    'key id': made.id,
    'key prefix': made.key_prefix,
    face: enrolled.body.faceId,
    host: hostname(),
    'data folder': service.folder,
    'backup folder': backups.path,
    origin: 'intranet',
    proxy: '10.77.5.4',
    address: '127.0.0.1',
    set_up: setup_code,
    'private key': 'PRIVATE KEY',
  }))
    secrets.set(what, secret);
});
after(async () => {
  await service.stop();
  await backups.remove();
});

async function ended() {
  for (let tries = 0; tries < 300; tries++) {
    const { body } = await call('GET', '/v1/system/backup');
    if (body.state !== 'running') return body;
    await sleep(100);
  }
  throw new Error('The backup does not end');
}

describe('A backup that an admin starts', () => {
  test('lies in the configured folder, verifies, and shows in the state of the appliance', async () => {
    assert.equal((await call('GET', '/v1/system/backup')).body.state, 'none');
    const missing = (await call('GET', '/v1/system')).body.attention.map(
      ({ code }: { code: string }) => code,
    );
    assert.ok(missing.includes('BACKUP_MISSING'));
    const started = await call('POST', '/v1/system/backup');
    assert.deepEqual([started.status, started.body.state], [202, 'running']);
    assert.equal((await call('POST', '/v1/system/backup')).body.startedAt, started.body.startedAt);
    const state = await ended();
    assert.deepEqual([state.state, state.detail], ['succeeded', null]);
    assert.ok(state.bytes > 10_000);
    const folder = join(backups.path, 'kept');
    const names = readdirSync(folder).filter((name) => name.startsWith('visage-'));
    assert.equal(names.length, 1);
    const verified = await visagectl(['verify', join(folder, names[0] as string)], {
      VISAGE_BACKUP_KEY: join(backups.path, 'secret-place', 'backup.key'),
    });
    assert.equal(verified.code, 0, verified.stderr);
    const system = (await call('GET', '/v1/system')).body;
    assert.equal(system.lastBackup.bytes, state.bytes);
    assert.ok(!system.attention.some(({ code }: { code: string }) => code.startsWith('BACKUP')));
  });

  test('removes the oldest ones beyond the setting, and leaves the folder free for visagectl', async () => {
    for (let times = 0; times < 2; times++) {
      await call('POST', '/v1/system/backup');
      assert.equal((await ended()).state, 'succeeded');
    }
    const folder = join(backups.path, 'kept');
    assert.equal(readdirSync(folder).filter((name) => name.startsWith('visage-')).length, 2);
    const { code, stderr } = await visagectl(['backup', '--to', folder], {
      VISAGE_DATA_DIR: service.folder,
      VISAGE_BACKUP_KEY: join(backups.path, 'secret-place', 'backup.key'),
    });
    assert.equal(code, 0, stderr);
  });

  test('is in the audit log', async () => {
    const { entries } = (await call('GET', '/v1/audit?action=backup.start')).body;
    assert.equal(entries.length, 4);
  });
});

describe('The diagnosis', () => {
  test('is a file with version, settings, findings, history and metrics', async () => {
    const { status, headers, body } = await call('GET', '/v1/system/diagnosis');
    assert.equal(status, 200);
    assert.match(
      String(headers.get('content-disposition')),
      /^attachment; filename="visage-diagnosis-.*\.json"$/,
    );
    assert.equal(body.store.faces, 1);
    const checks = new Set(body.checks.map(({ check }: { check: string }) => check));
    for (const check of [
      'settings',
      'service',
      'memory',
      'clock',
      'disk',
      'models',
      'store',
      'backup',
      'ports',
    ])
      assert.ok(checks.has(check), `${check}: ${[...checks]}`);
    assert.ok(body.metrics.some((line: string) => line.startsWith('visage_index_templates 1')));
    const of = (name: string) => body.settings.find((each: { name: string }) => each.name === name);
    assert.deepEqual(of('backup_keep'), { name: 'backup_keep', value: 2, source: 'environment' });
    assert.deepEqual(of('trusted_proxies').value, { entries: 1 });
    assert.equal(of('data_dir').value, '(set)');
    assert.ok(body.history.hour.some(({ requests }: { requests: number }) => requests > 0));
  });

  test('holds no secret and nothing about people, keys, hosts and folders', async () => {
    const { text } = await call('GET', '/v1/system/diagnosis');
    for (const [what, secret] of secrets)
      assert.ok(!text.includes(secret), `${what}: ${around(text, secret)}`);
    assert.doesNotMatch(text, /\b(key|mem|acc|face|ses)_[0-9A-Z]{20}/);
    const user = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim();
    assert.ok(!text.includes(`/home/${user}`));
  });
});

describe('The settings', () => {
  test('hide the places of private keys, and show the rest', async () => {
    const { body, text } = await call('GET', '/v1/settings');
    assert.ok(!text.includes('secret-place'));
    for (const what of ['password', 'key', 'session token', 'set_up', 'private key'])
      assert.ok(!text.includes(secrets.get(what) as string), what);
    const of = (name: string) => body.settings.find((each: { name: string }) => each.name === name);
    assert.deepEqual(of('trusted_proxies').value, ['10.77.5.4']);
    assert.equal(of('backup_key').value, '(set)');
  });
});

describe('Backups never leave over HTTP', () => {
  test('no answer about the appliance has the bytes of the store', async () => {
    const store = readFileSync(join(service.folder, 'data.mdb'));
    assert.ok(existsSync(join(service.folder, 'last-backup.json')));
    for (const path of ['/v1/system', '/v1/system/backup', '/v1/system/diagnosis']) {
      const { text } = await call('GET', path);
      assert.ok(text.length < 200_000 && text.length < store.length, path);
      assert.ok(!text.includes(store.subarray(0, 64).toString('base64').slice(20, 60)), path);
    }
  });
});

function around(text: string, part: string): string {
  const at = text.indexOf(part);
  return text.slice(Math.max(0, at - 60), at + part.length + 60);
}
