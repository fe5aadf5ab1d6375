import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Finding } from '../../src/appliance/doctor/finding.ts';
import { checkFileSystem, checkRoom } from '../../src/appliance/doctor/folder.ts';
import { checkClock, checkMemory, checkProcessor } from '../../src/appliance/doctor/machine.ts';
import { checkCertificate, checkDevice } from '../../src/appliance/doctor/parts.ts';
import { makeSelfSigned } from '../../src/ops/self-signed.ts';
import { type Service, startService, temporaryFolder, visagectl } from '../../testing/service.ts';

const MIB = 1024 ** 2;
const NOW = Date.UTC(2026, 5, 1);

describe('doctor', () => {
  test('knows a processor without AVX2, and one that needs none', () => {
    const flags = (words: string) => `model name\t: some\nflags\t\t: fpu ${words}\nbugs\t: none\n`;
    assert.equal(checkProcessor('x64', flags('avx2 fma')).level, 'ok');
    const old = checkProcessor('x64', flags('avx fma'));
    assert.deepEqual([old.level, /lacks avx2/.test(old.says)], ['problem', true]);
    assert.equal(checkProcessor('arm64', '').level, 'ok');
  });

  test('counts memory for the faces that there are', () => {
    assert.equal(checkMemory(1024 * MIB, 1000, false).level, 'ok');
    assert.equal(checkMemory(1024 * MIB, 1_000_000, false).level, 'warning');
    assert.equal(checkMemory(1024 * MIB, 1_000_000, true).level, 'ok', 'the faces are in memory already');
  });

  test('sees a clock that went back, is before its time, or is not synchronised', () => {
    assert.equal(checkClock(NOW, NOW - 1, true).level, 'ok');
    assert.equal(checkClock(NOW, NOW + 3_600_000, true).level, 'problem');
    assert.equal(checkClock(0, null, null).level, 'problem');
    assert.equal(checkClock(NOW, null, false).level, 'warning');
  });

  test('knows what runs the networks, and what the device of the settings lacks', () => {
    const missing = () => 'a library is missing';
    const there = () => null;
    assert.equal(checkDevice('cuda', 'cuda', missing).says, 'networks run on cuda; device is set to cuda');
    assert.equal(checkDevice('cpu', null, missing).says, 'device is set to cpu');
    const auto = checkDevice('auto', null, missing);
    assert.deepEqual([auto.level, /selects the CPU: a library is missing/.test(auto.says)], ['ok', true]);
    assert.deepEqual(
      [checkDevice('tensorrt', null, missing).level, checkDevice('tensorrt', null, there).level],
      ['problem', 'ok'],
    );
  });

  test('sees a disk that is full, or none at all', () => {
    assert.deepEqual(
      [20_000, 500, 50].map((mebibytes) => checkRoom('/data', mebibytes * MIB, 0).level),
      ['ok', 'warning', 'problem'],
    );
    assert.equal(checkRoom('/data', 2000 * MIB, 100_000 * MIB).level, 'warning');
    assert.match(checkFileSystem(0x01021994)[0]?.says ?? '', /tmpfs/);
    assert.match(checkFileSystem(0x6969)[0]?.says ?? '', /NFS/);
    assert.deepEqual(checkFileSystem(0xef53), []);
  });

  test('sees a certificate that has expired or soon will', () => {
    const { certificate } = makeSelfSigned(['visage.test'], new Date(NOW), new Date(NOW + 100 * 86_400_000));
    const levels = [-1, 1, 90, 101].map((day) => checkCertificate(certificate, NOW + day * 86_400_000).level);
    assert.deepEqual(levels, ['problem', 'ok', 'warning', 'problem']);
  });
});

describe('doctor on a data folder', () => {
  let service: Service;
  before(async () => {
    service = await startService();
  });
  after(() => service.stop());

  async function examine(
    settings: Record<string, string> = {},
  ): Promise<{ code: number; findings: Finding[] }> {
    const { code, stdout, stderr } = await visagectl(['doctor', '--json'], {
      VISAGE_DATA_DIR: service.folder,
      VISAGE_LISTEN: '127.0.0.1:0',
      ...settings,
    });
    assert.equal(stderr, '');
    return { code, findings: JSON.parse(stdout).findings };
  }
  const wrong = (findings: Finding[]) => findings.filter(({ level }) => level === 'problem');

  test('finds nothing wrong with a service that runs, and misses a backup', async () => {
    const { code, findings } = await examine();
    assert.deepEqual([code, wrong(findings)], [0, []]);
    assert.deepEqual(
      findings
        .filter(({ check }) => ['service', 'backup'].includes(check))
        .map(({ level, says }) => [level, says]),
      [
        ['ok', 'running, ready'],
        ['warning', 'no backup found'],
      ],
    );
    assert.ok(!readdirSync(service.folder).some((name) => name.startsWith('.doctor')));
  });

  test('says what to do about open permissions, an address, a model and a setting', async () => {
    const keys = join(service.folder, 'signing-keys');
    const [key] = readdirSync(keys);
    chmodSync(join(keys, key as string), 0o644);
    const { code, findings } = await examine({ VISAGE_MODEL_PACK: 'nobody' });
    assert.equal(code, 69);
    chmodSync(join(keys, key as string), 0o600);
    const found = wrong(findings);
    assert.deepEqual(found.map(({ check }) => check).sort(), ['models', 'permissions']);
    assert.match(
      found.find(({ check }) => check === 'permissions')?.advice ?? '',
      /^chmod 600 .*tokens rotate/,
    );
    assert.ok(found.every(({ advice }) => advice !== null));
    const setting = await examine({ VISAGE_THREADS: '0' });
    assert.equal(setting.code, 69);
    assert.match(wrong(setting.findings)[0]?.says ?? '', /VISAGE_THREADS: expected .* got 0/);
  });

  test('looks at the addresses of the service, and says where this shell has other settings', async () => {
    const { code, findings } = await examine({
      VISAGE_LISTEN: '127.0.0.1:1',
      VISAGE_ADDRESS_RATE_LIMIT: '7',
    });
    assert.deepEqual([code, wrong(findings)], [0, []]);
    const says = (check: string) => findings.filter((finding) => finding.check === check);
    assert.deepEqual(
      says('ports').map((finding) => finding.says),
      [`${service.child.url}: service listens`],
    );
    const [settings] = says('settings');
    assert.deepEqual(
      [settings?.level, settings?.says, settings?.advice],
      [
        'warning',
        'the service runs with different values of listen, address_rate_limit',
        'If you changed the settings, restart the service. If its VISAGE_... variables differ, pass them to this command too.',
      ],
    );
  });

  test('names the settings file of the service where this shell names another', async () => {
    const file = join(service.folder, 'other.toml');
    writeFileSync(file, 'max_queue = 9\n');
    const { findings } = await examine({ VISAGE_CONFIG: file });
    const settings = findings.find(({ check }) => check === 'settings');
    assert.match(
      settings?.says ?? '',
      /^the service reads no settings file, this command .*other\.toml; .* max_queue$/,
    );
    const status = await visagectl(['status'], { VISAGE_DATA_DIR: service.folder, VISAGE_CONFIG: file });
    assert.match(status.stdout, /^settings +no file \(read by the service\)$/m);
    assert.ok(status.stdout.includes(`listens      ${service.child.url}\n`), status.stdout);
    rmSync(file);
  });

  test('sees a port that another program holds', async (t) => {
    const folder = await temporaryFolder();
    t.after(() => folder.remove());
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    t.after(() => other.close());
    const { port } = other.address() as { port: number };
    const { findings } = await examine({ VISAGE_DATA_DIR: folder.path, VISAGE_LISTEN: `127.0.0.1:${port}` });
    assert.match(wrong(findings)[0]?.says ?? '', /another program listens there/);
  });
});

describe('config check', () => {
  test('prints what takes effect, and refuses what a start would refuse', async () => {
    const good = await visagectl(['config', 'check', '--json'], { VISAGE_THREADS: '3' });
    assert.deepEqual([good.code, JSON.parse(good.stdout).threads], [0, 3]);
    const wrong = await visagectl(['config', 'check'], { VISAGE_THREADS: 'many' });
    assert.deepEqual([wrong.code, /VISAGE_THREADS: expected .* got "many"/.test(wrong.stderr)], [78, true]);
    const model = await visagectl(['config', 'check'], { VISAGE_MODEL_PACK: 'nobody' });
    assert.deepEqual([model.code, /no model pack "nobody"/.test(model.stderr)], [78, true]);
  });
});

describe('As root', { skip: process.getuid?.() !== 0 }, () => {
  test("a command leaves only files of the data folder's owner", async (t) => {
    const folder = await temporaryFolder();
    t.after(() => folder.remove());
    const data = join(folder.path, 'data');
    mkdirSync(data, { mode: 0o700 });
    chmodSync(folder.path, 0o755);
    chownSync(data, 65534, 65534);
    const settings = { VISAGE_DATA_DIR: data };
    for (const args of [
      ['keys', 'create', '--name', 'a', '--create'],
      ['backup', '--to', join(folder.path, 'backups')],
      ['verify'],
      ['status'],
    ]) {
      const { code, stderr } = await visagectl(args, settings);
      assert.ok(code === 0 || args[0] === 'status', stderr);
    }
    const [backup] = readdirSync(join(folder.path, 'backups')).filter((name) => name !== '.lock');
    const copy = join(folder.path, 'for-root-alone');
    mkdirSync(copy, { mode: 0o700 });
    for (const name of ['data.mdb', 'manifest.json', 'manifest.mac']) {
      const bytes = readFileSync(join(folder.path, 'backups', backup as string, name));
      writeFileSync(join(copy, name), bytes, { mode: 0o600 });
    }
    rmSync(join(data, 'data.mdb'));
    const restored = await visagectl(['restore', copy], settings);
    assert.equal(restored.code, 0, restored.stderr);
    for (const path of ['.', ...readdirSync(data, { recursive: true }).map(String)]) {
      assert.equal(statSync(join(data, path)).uid, 65534, path);
    }
    assert.equal(statSync(join(folder.path, 'backups', backup as string)).uid, 65534);
  });
});
