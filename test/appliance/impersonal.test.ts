import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { impersonalSettings, impersonalText } from '../../src/appliance/impersonal.ts';
import { defaultSettings, readSettings, settingSources } from '../../src/config/load.ts';

describe('Text for a diagnosis', () => {
  const cases: readonly (readonly [from: string, to: string])[] = [
    ['http://127.0.0.1:8080: service listens', '<url> service listens'],
    ['https://[fe80::1]:8443/swagger answers', '<url> answers'],
    ['listen 0.0.0.0:8080: another program', 'listen <address>: another program'],
    ['[::1]:8080 is free', '<address> is free'],
    ['peer 2001:db8::7334 refused', 'peer <address> refused'],
    ['peer 2001:db8:85a3:8d3:1319:8a2e:370:7348.', 'peer <address>.'],
    ['1234 MiB free for /var/lib/visage', '1234 MiB free for <path>'],
    ["chown -R visage: '/srv/my data'", "chown -R visage: '<path> data'"],
    ['valid until Nov 27 14:09:49 2036 GMT', 'valid until Nov 27 14:09:49 2036 GMT'],
    ['shows 2026-11-30T14:10:03.109Z', 'shows 2026-11-30T14:10:03.109Z'],
    ['faceplugin 2: every file matches', 'faceplugin 2: every file matches'],
    ['version 1.30.2 of 0.2.0', 'version 1.30.2 of 0.2.0'],
    ['mail grace@navy.example now', 'mail <e-mail> now'],
    ['key_01KF2M7Q8TC5V9XW3E6YB4NZRD of acc_01KF2M7Q8TC5V9XW3E6YB4NZRD', '<id> of <id>'],
    ['fr_live_4c0f0b9d8e7a6f5c4b3a29181716151f', '<key>'],
    ['the host gate-box and gate-box.example', 'the host <host> and <host>.example'],
    ['tls_key and tls_certificate differ', 'tls_key and tls_certificate differ'],
  ];
  for (const [from, to] of cases) {
    test(`hides what names a place or person: ${to}`, () => {
      assert.equal(impersonalText(from, ['gate-box']), to);
    });
  }
});

describe('Settings for a diagnosis', () => {
  test('keep numbers, choices and defaults, and hide texts that the operator chose', () => {
    const environment = {
      VISAGE_LISTEN: '10.9.8.7:80',
      VISAGE_THREADS: '3',
      VISAGE_DEVICE: 'cpu',
      VISAGE_TRUSTED_PROXIES: '10.1.1.1,10.1.1.2',
      VISAGE_DASHBOARD_ORIGIN: 'https://panel.navy.example',
      HOME: '/home/grace',
    };
    const values = {
      ...readSettings(environment),
      plan: 'navy',
      plans: { navy: { keys_per_member: 1, max_rate_limit: 2 } },
      prices: { searchFace: 1 },
      image_url: {
        enabled: true,
        ports: [80, 8080],
        allow: [{ account: 'acc_secret', network: '10.2.0.0/16', port: 80 }],
      },
    };
    const list = impersonalSettings({
      values: values as never,
      sources: settingSources(environment),
      defaults: defaultSettings(environment),
    });
    const of = (name: string) => list.find((each) => each.name === name)?.value;
    assert.equal(of('threads'), 3);
    assert.equal(of('device'), 'cpu');
    assert.equal(of('max_queue'), 64);
    assert.equal(of('listen'), '(set)');
    assert.equal(of('dashboard_origin'), '(set)');
    assert.equal(of('backup_key'), '(set)');
    assert.equal(of('tls_key'), null);
    assert.deepEqual(of('trusted_proxies'), { entries: 2 });
    assert.deepEqual(of('plans'), { entries: 1 });
    assert.deepEqual(of('image_url'), { enabled: true, ports: { entries: 2 }, allow: { entries: 1 } });
    assert.doesNotMatch(JSON.stringify(list), /10\.|navy|acc_|grace/);
  });
});
