import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { AddressLimits } from '../../src/access/gate/address-limits.ts';
import { addressGuard } from '../../src/http/admits.ts';
import { plainListener } from '../../src/http/tls.ts';

test('Plain HTTP redirects to the same path over HTTPS, and nowhere else', async (t) => {
  const server = createServer(
    plainListener(
      assert.fail,
      () => ({ redirect: true }),
      8443,
      async () => true,
    ),
  );
  t.after(() => server.close());
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const answer = async (target: string, host: string) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const said = await text(socket);
    return [said.slice(9, 12), /\r\nLocation: (.*)\r\n/i.exec(said)?.[1]];
  };
  assert.deepEqual(await answer('/a?b=c', 'box.example:80'), ['308', 'https://box.example:8443/a?b=c']);
  assert.deepEqual(await answer('/', '[::1]'), ['308', 'https://[::1]:8443/']);
  assert.deepEqual(await answer('http://evil.example/a', 'box.example'), ['400', undefined]);
  assert.deepEqual(await answer('*', 'box.example'), ['400', undefined]);
  assert.deepEqual(await answer('/a', 'evil.example/x'), ['400', undefined]);
  assert.deepEqual(await answer('/a', 'user@evil.example'), ['400', undefined]);
});

test('Plain HTTP redirects an address no more often than its limit', async (t) => {
  const limits = new AddressLimits({ addressRateLimit: 5, trustedProxies: [] });
  const admits = addressGuard(limits, 'redirect');
  const server = createServer(plainListener(assert.fail, () => ({ redirect: true }), 8443, admits));
  t.after(() => server.close());
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const statuses: number[] = [];
  for (let i = 0; i < 8; i++) {
    const response = await fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual' });
    statuses.push(response.status);
    await response.arrayBuffer();
  }
  assert.deepEqual([statuses[0], statuses.at(-1)], [308, 429]);
});
