import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Address, type Network, parseAddress, parseNetwork } from '../../src/base/ip-networks.ts';
import { imageUrlPolicy, isPublic } from '../../src/http/image-url-policy.ts';

const address = (text: string): Address => parseAddress(text) ?? assert.fail(text);
const network = (text: string): Network => parseNetwork(text) ?? assert.fail(text);

describe('The public internet', () => {
  for (const text of ['8.8.8.8', '1.1.1.1', '93.184.215.14', '2606:4700::1111', '2a00:1450:4001::1']) {
    test(`has ${text}`, () => assert.ok(isPublic(address(text))));
  }

  const others = {
    loopback: ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1'],
    private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fdff::1'],
    'link-local': ['169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
    'site-local': ['fec0::1'],
    metadata: ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '168.63.129.16', '192.0.0.192'],
    'mapped metadata': ['::ffff:169.254.169.254', '::ffff:168.63.129.16', '::ffff:a9fe:a9fe'],
    unspecified: ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0'],
    shared: ['100.64.0.1', '100.127.255.255'],
    reserved: ['192.0.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '240.0.0.1'],
    'reserved IPv6': ['2001:db8::1', '3fff::1', '100::1', '5f00::1', '2001:2::1', '4000::1', 'e000::1'],
    multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
    broadcast: ['255.255.255.255'],
    'IPv4-compatible': ['::7f00:2', '::7f00:1', '::a00:1', '::808:808'],
    translated: ['64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::a00:1', '::ffff:0:127.0.0.1'],
    '6to4': ['2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:c0a8:101::1'],
    Teredo: ['2001::1', '2001:0:7f00:1::'],
    ISATAP: ['2001:4860::5efe:7f00:1', '2001:4860::200:5efe:127.0.0.1', 'fe80::5efe:10.0.0.1'],
    ORCHID: ['2001:10::1', '2001:20::1'],
  };
  for (const [kind, texts] of Object.entries(others)) {
    for (const text of texts) {
      test(`does not have the ${kind} address ${text}`, () => assert.ok(!isPublic(address(text))));
    }
  }
});

describe('The policy', () => {
  const allow = [
    { accountId: 'acc_1', network: network('192.168.7.0/24'), port: 8080 },
    { accountId: 'acc_1', network: network('fd12::/16'), port: 80 },
    { accountId: 'acc_2', network: network('0.0.0.0/0'), port: 8080 },
    { accountId: 'acc_2', network: network('::/0'), port: 8080 },
  ];
  const settings = { enabled: true, ports: [80, 443], allow };
  const own = () => [network('192.168.7.9'), network('8.8.4.4')];
  const policy = imageUrlPolicy(settings, () => [8080], own);

  test('permits public addresses on the listed ports', () => {
    assert.ok(policy('acc_1', address('8.8.8.8'), 80));
    assert.ok(policy('acc_1', address('2606:4700::1111'), 443));
    for (const port of [0, 22, 25, 8080, 6379, 65535]) {
      assert.ok(!policy('acc_1', address('8.8.8.8'), port));
    }
  });

  test('permits an account what it is allowed beside, to the address, the port and the account', () => {
    assert.ok(policy('acc_1', address('192.168.7.20'), 8080));
    assert.ok(policy('acc_1', address('fd12::20'), 80));
    assert.ok(!policy('acc_1', address('192.168.8.20'), 8080));
    assert.ok(!policy('acc_1', address('192.168.7.20'), 80));
    assert.ok(!policy('acc_3', address('192.168.7.20'), 8080));
    assert.ok(policy('acc_2', address('10.1.2.3'), 8080));
  });

  const never = [
    '127.0.0.1',
    '::1',
    '0.0.0.0',
    '::',
    '169.254.1.1',
    'fe80::1',
    '169.254.169.254',
    '100.100.100.200',
    '168.63.129.16',
    'fd00:ec2::254',
    '224.0.0.1',
    'ff02::1',
    '255.255.255.255',
    '::7f00:1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:0:7f00:1::',
    'fd00::5efe:7f00:1',
  ];
  for (const text of never) {
    test(`permits ${text} to nobody, whatever is allowed`, () => {
      assert.ok(!policy('acc_2', address(text), 8080));
    });
  }

  test('never permits the service itself, by whichever address of the machine', () => {
    const settings = { enabled: true, ports: [80, 8080], allow };
    const policy = imageUrlPolicy(settings, () => [8080], own);
    assert.ok(!policy('acc_1', address('192.168.7.9'), 8080));
    assert.ok(!policy('acc_2', address('8.8.4.4'), 8080));
    assert.ok(policy('acc_2', address('8.8.4.4'), 80));
    assert.ok(policy('acc_1', address('192.168.7.10'), 8080));
  });
});
