import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { EXIT } from '../../src/ops/exit-codes.ts';
import { SOCKET_NAMES } from '../../src/ops/inherited-sockets.ts';
import { ROOT, temporaryFolder } from '../../testing/service.ts';

const FOLDER = join(ROOT, 'systemd');
const UNITS = readdirSync(FOLDER).filter((name) => /^visage[a-z-]*\.(service|socket|timer)$/.test(name));
const SERVICES = UNITS.filter((name) => name.endsWith('.service'));
const SOCKETS = UNITS.filter((name) => name.endsWith('.socket'));

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
const skip = hasAnalyze ? false : 'systemd-analyze is not installed';

const MOST_EXPOSURE = 10;

const textOf = (name: string) => readFileSync(join(FOLDER, name), 'utf8');

function values(text: string, name: string): string[] {
  return [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value as string);
}

describe('The units', () => {
  let folder: { path: string; remove(): Promise<void> };
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => folder.remove());

  const copies = (name: string, change = (text: string) => text): string => {
    const place = join(folder.path, name);
    mkdirSync(place);
    for (const unit of UNITS) {
      const text = textOf(unit).replaceAll('/usr/lib/visage/bin/node', '/bin/true');
      writeFileSync(join(place, unit), change(text));
    }
    return place;
  };
  const verify = (place: string) => {
    const units = UNITS.map((name) => join(place, name));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...units], {
      encoding: 'utf8',
    });
    return { status, stderr };
  };
  const exposureIsAtMost = (file: string) =>
    spawnSync('systemd-analyze', ['security', '--offline=true', `--threshold=${MOST_EXPOSURE}`, file])
      .status === 0;

  test('are there', () => {
    assert.deepEqual(UNITS.toSorted(), [
      'visage-backup.service',
      'visage-backup.timer',
      'visage-https.socket',
      'visage-metrics.socket',
      'visage.service',
      'visage.socket',
    ]);
  });

  test('pass systemd-analyze verify, which finds a wrong setting', { skip }, () => {
    assert.deepEqual(verify(copies('right')), { status: 0, stderr: '' });
    const wrong = copies('wrong', (text) => text.replace('WatchdogSec', 'WatchdogSecs'));
    assert.match(verify(wrong).stderr, /WatchdogSecs/);
  });

  test('are exposed at most 1.0 of 10, and would not be without a sandbox', { skip }, () => {
    for (const name of SERVICES) assert.ok(exposureIsAtMost(join(FOLDER, name)), name);
    const open = copies('open', (text) => text.replace(/^ProtectSystem=.*$/m, ''));
    assert.ok(!exposureIsAtMost(join(open, 'visage.service')));
  });

  test('pass with each drop-in that is shipped', { skip }, () => {
    for (const dropIn of readdirSync(join(FOLDER, 'drop-ins'))) {
      const place = copies(dropIn);
      mkdirSync(join(place, 'visage.service.d'));
      cpSync(join(FOLDER, 'drop-ins', dropIn), join(place, 'visage.service.d', dropIn));
      assert.deepEqual(verify(place), { status: 0, stderr: '' }, dropIn);
    }
  });
});

describe('What the units say', () => {
  const service = textOf('visage.service');

  test('keeps a service from starting again whose settings or command line are wrong', () => {
    const [codes = ''] = values(service, 'RestartPreventExitStatus');
    assert.deepEqual(codes.split(' ').map(Number), [EXIT.usage, EXIT.data, EXIT.config]);
  });

  test('hands over sockets by names that the service knows, each of its own port', () => {
    const names = SOCKETS.map((name) => values(textOf(name), 'FileDescriptorName').join());
    assert.deepEqual(names.toSorted(), [...SOCKET_NAMES].toSorted());
    for (const name of SOCKETS) assert.deepEqual(values(textOf(name), 'Service'), ['visage.service'], name);
  });

  test('gives only credentials that the service looks for', () => {
    const sources = ['src/access/tokens/signing-keys.ts', 'src/ops/tls-certificate.ts'].map((file) =>
      readFileSync(join(ROOT, file), 'utf8'),
    );
    const credentials = values(service, 'LoadCredential');
    assert.equal(credentials.length, 4);
    for (const name of credentials)
      assert.ok(
        sources.some((text) => text.includes(`'${name}'`)),
        name,
      );
  });

  test('announces by mDNS the port on which HTTPS is served', () => {
    const [port] = values(textOf('visage-https.socket'), 'ListenStream');
    assert.match(
      textOf('visage.avahi.service'),
      new RegExp(`<type>_visage\\._tcp</type>\\s*<port>${port}</port>`),
    );
  });

  test('limits the lines of the journal, and writes no memory to disk', () => {
    for (const setting of ['LogRateLimitIntervalSec', 'LogRateLimitBurst']) {
      assert.ok(Number.parseInt(values(service, setting).join(), 10) > 0, setting);
    }
    for (const name of SERVICES) assert.deepEqual(values(textOf(name), 'LimitCORE'), ['0'], name);
  });

  test('lets the kernel tell LMDB its boot id, and Node compile', () => {
    assert.deepEqual(values(service, 'ProcSubset'), []);
    assert.deepEqual(values(service, 'MemoryDenyWriteExecute'), []);
  });
});
