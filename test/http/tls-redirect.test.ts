import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { plainListener } from '../../src/http/tls.ts';

test('Plain HTTP redirects to the same path over HTTPS, and nowhere else', async (t) => {
  const server = createServer(plainListener(assert.fail, () => ({ redirect: true }), 8443));
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
