import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clientAddress, networkOf, originOf } from '../../src/base/client-address.ts';
import { covered, type Network, parseAddress, parseNetwork, within } from '../../src/base/ip-networks.ts';

const networks = (...texts: string[]) => texts.map((text) => parseNetwork(text) as Network);
const PROXIES = networks('10.0.0.0/8', '192.0.2.1', '2001:db8::/32', '::1');

const CASES: readonly [peer: string | undefined, forwarded: string[], client: string][] = [
  ['198.51.100.7', [], '198.51.100.7'],
  ['198.51.100.7', ['203.0.113.9'], '198.51.100.7'],
  ['198.51.100.7', ['127.0.0.1'], '198.51.100.7'],
  ['198.51.100.7', ['10.0.0.1, 10.0.0.2'], '198.51.100.7'],
  ['192.0.2.2', ['203.0.113.9'], '192.0.2.2'],
  ['2001:db9::1', ['203.0.113.9'], '2001:db9::1'],
  ['10.0.0.1', [], '10.0.0.1'],
  ['10.0.0.1', ['203.0.113.9'], '203.0.113.9'],
  ['10.0.0.1', [' 203.0.113.9 '], '203.0.113.9'],
  ['10.0.0.1', ['\t203.0.113.9'], '203.0.113.9'],
  ['192.0.2.1', ['203.0.113.9'], '203.0.113.9'],
  ['::1', ['203.0.113.9'], '203.0.113.9'],
  ['2001:db8::5', ['2001:db9::7'], '2001:db9::7'],
  ['10.0.0.1', ['203.0.113.9, 10.0.0.2'], '203.0.113.9'],
  ['10.0.0.1', ['203.0.113.9, 10.0.0.2, 192.0.2.1'], '203.0.113.9'],
  ['10.0.0.1', ['198.51.100.1, 203.0.113.9'], '203.0.113.9'],
  ['10.0.0.1', ['127.0.0.1, 203.0.113.9, 10.9.9.9'], '203.0.113.9'],
  ['10.0.0.1', ['203.0.113.9', '10.0.0.2'], '203.0.113.9'],
  ['10.0.0.1', ['198.51.100.1', '203.0.113.9'], '203.0.113.9'],
  ['10.0.0.1', ['198.51.100.1, 203.0.113.9', '2001:db8::1, 10.0.0.3'], '203.0.113.9'],
  ['10.0.0.1', ['10.0.0.2, 10.0.0.3'], '10.0.0.2'],
  ['10.0.0.1', ['10.0.0.2'], '10.0.0.2'],
  ['10.0.0.1', [''], '10.0.0.1'],
  ['10.0.0.1', [' '], '10.0.0.1'],
  ['10.0.0.1', [','], '10.0.0.1'],
  ['10.0.0.1', ['203.0.113.9,'], '10.0.0.1'],
  ['10.0.0.1', ['203.0.113.9, , 10.0.0.2'], '10.0.0.2'],
  ['10.0.0.1', ['unknown'], '10.0.0.1'],
  ['10.0.0.1', ['_hidden, 10.0.0.2'], '10.0.0.2'],
  ['10.0.0.1', ['203.0.113.9, unknown, 10.0.0.2'], '10.0.0.2'],
  ['10.0.0.1', ['localhost'], '10.0.0.1'],
  ['10.0.0.1', ['203.0.113.9:4711'], '10.0.0.1'],
  ['10.0.0.1', ['[2001:db9::7]'], '10.0.0.1'],
  ['10.0.0.1', ['"203.0.113.9"'], '10.0.0.1'],
  ['10.0.0.1', ['203.0.113.9/32'], '10.0.0.1'],
  ['10.0.0.1', ['0203.0.113.9'], '10.0.0.1'],
  ['10.0.0.1', ['0127.0.0.1'], '10.0.0.1'],
  ['10.0.0.1', ['0x7f.0.0.1'], '10.0.0.1'],
  ['10.0.0.1', ['2130706433'], '10.0.0.1'],
  ['10.0.0.1', ['127.1'], '10.0.0.1'],
  ['10.0.0.1', ['203.0.113'], '10.0.0.1'],
  ['10.0.0.1', ['203.0.113.256'], '10.0.0.1'],
  ['10.0.0.1', ['203.0.113.9.1'], '10.0.0.1'],
  ['10.0.0.1', ['-1.0.113.9'], '10.0.0.1'],
  ['10.0.0.1', ['١٢٧.0.0.1'], '10.0.0.1'],
  ['10.0.0.1', ['::ffff:0177.0.0.1'], '10.0.0.1'],
  ['10.0.0.1', ['2001:db9::7::1'], '10.0.0.1'],
  ['10.0.0.1', [`203.0.113.9${' '.repeat(5000)}x`], '10.0.0.1'],
  ['10.0.0.1', ['1'.repeat(15000)], '10.0.0.1'],
  ['::ffff:198.51.100.7', ['203.0.113.9'], '198.51.100.7'],
  ['::ffff:10.0.0.1', ['203.0.113.9'], '203.0.113.9'],
  ['::FFFF:a00:1', ['203.0.113.9'], '203.0.113.9'],
  ['10.0.0.1', ['::ffff:203.0.113.9'], '203.0.113.9'],
  ['10.0.0.1', ['203.0.113.9, ::ffff:10.0.0.2'], '203.0.113.9'],
  ['10.0.0.1', ['2001:DB9:0:0:0:0:0:7'], '2001:db9::7'],
  ['fe80::1%eth0', [], 'fe80::1'],
  ['fe80::1%eth0', ['203.0.113.9'], 'fe80::1'],
  ['10.0.0.1', ['fe80::2%3'], 'fe80::2'],
  ['10.0.0.1', ['::203.0.113.9'], '10.0.0.1'],
  [undefined, ['203.0.113.9'], ''],
];

describe("The client's address", () => {
  for (const [at, [peer, forwarded, client]] of CASES.entries()) {
    const shown = forwarded.map((value) => JSON.stringify(value.slice(0, 60))).join(' and ');
    test(`${at + 1}: from ${peer} with ${shown || 'nothing'} is ${client || 'unknown'}`, () => {
      assert.equal(clientAddress(peer, forwarded, PROXIES), client);
    });
  }

  test('is the peer whatever is sent where no proxy is trusted', () => {
    for (const [peer, forwarded] of CASES) {
      assert.equal(clientAddress(peer, forwarded, []), clientAddress(peer, [], []));
    }
  });

  test('counts by the /64 where a client has many', () => {
    assert.equal(originOf('2001:db8:1:2:3:4:5:6'), originOf('2001:db8:1:2:ffff::1'));
    assert.notEqual(originOf('2001:db8:1:2::1'), originOf('2001:db8:1:3::1'));
    assert.equal(originOf('192.0.2.1'), '192.0.2.1');
  });

  test('belongs to the /16 or /32 that one organisation commonly has', () => {
    assert.equal(networkOf('192.0.2.1'), '192.0.0.0/16');
    assert.equal(networkOf('2001:db8:1:2::1'), '2001:db8::/32');
    assert.equal(networkOf('no address'), 'no address');
  });
});

describe('A network', () => {
  test('holds the addresses of its bits, of its own kind, mapped ones too', () => {
    const cases: [string, string, boolean][] = [
      ['10.1.2.3', '10.0.0.0/8', true],
      ['11.1.2.3', '10.0.0.0/8', false],
      ['10.1.2.3', '10.1.2.3', true],
      ['10.1.2.3', '0.0.0.0/0', true],
      ['::1', '0.0.0.0/0', false],
      ['10.1.2.3', '::/0', false],
      ['::ffff:10.1.2.3', '10.0.0.0/8', true],
      ['10.1.2.3', '::ffff:10.0.0.0/104', true],
      ['11.1.2.3', '::ffff:10.0.0.0/104', false],
      ['2001:db8::1', '2001:db8::/32', true],
      ['2001:db9::1', '2001:db8::/32', false],
      ['10.0.0.129', '10.0.0.200/25', true],
    ];
    for (const [address, network, expected] of cases) {
      const parsed = parseAddress(address);
      assert.ok(parsed);
      assert.equal(within(parsed, networks(network)), expected, `${address} in ${network}`);
    }
  });

  test('is written in one strict way', () => {
    for (const text of [
      '',
      ' ',
      '10.0.0.0/33',
      '10.0.0.0/-1',
      '10.0.0.0/08',
      '10.0.0.0/',
      '10.0.0/8',
      '::/129',
      '::ffff:10.0.0.0/8',
      'fe80::1%eth0',
      '10.0.0.0/8 ',
      '010.0.0.0/8',
      '10.0.0.0/255.0.0.0',
      'example.com',
    ]) {
      assert.equal(parseNetwork(text), null, text);
    }
  });

  test('is covered by those that hold all of it', () => {
    const [inner] = networks('10.1.0.0/16') as [Network];
    assert.ok(covered(inner, networks('192.0.2.1', '10.0.0.0/8')));
    assert.ok(!covered(inner, networks('10.1.0.0/17', '10.1.128.0/17')));
    assert.ok(!covered(inner, networks('::/0')));
  });
});
