import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Address } from '../../src/base/ip-networks.ts';
import { createImageFetcher, type FetchLimits } from '../../src/http/image-fetch.ts';
import { imageUrlPolicy } from '../../src/http/image-url-policy.ts';
import { startEchoService } from './echo-service.ts';

const PICTURE = Buffer.from('as good as a picture');

/** Both loopbacks, where something listens that must not be reached, unless a test's own policy says so. */
let server: Server;
let server6: Server;
let port: number;
let connections = 0;
let seen: { url: string; headers: Record<string, unknown> }[] = [];
let respond: RequestListener;

before(async () => {
  const listener: RequestListener = (request, response) => {
    seen.push({ url: request.url ?? '', headers: { ...request.headers } });
    respond(request, response);
  };
  server = createServer(listener).on('connection', () => connections++);
  server6 = createServer(listener).on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  await new Promise<void>((resolve) => server6.listen(port, '::1', resolve));
});
after(() => {
  for (const each of [server, server6]) {
    each.closeAllConnections();
    each.close();
  }
});
beforeEach(() => {
  connections = 0;
  seen = [];
  respond = (_, response) => response.end(PICTURE);
});

interface Attempt {
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly permitted?: readonly string[];
  readonly limits?: Partial<FetchLimits>;
}

function fetcher({ names = {}, permitted, limits }: Attempt) {
  const settings = { enabled: true, ports: [80, 443, port], allow: [] };
  const policy = permitted
    ? (_: string, address: Address, at: number) => permitted.includes(address.toString()) && at === port
    : imageUrlPolicy(settings, () => []);
  const resolve = async (name: string) => names[name] ?? names['*'] ?? [];
  return createImageFetcher({ policy, resolve, limits: { totalMs: 5_000, ...limits } });
}

async function outcome(url: string, attempt: Attempt = {}): Promise<string> {
  try {
    return (await fetcher(attempt)(url, 'acc_1')).toString();
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    const host = URL.canParse(url) ? new URL(url).hostname : url;
    assert.ok(host.length < 2 || !message.includes(host), 'an error names the host');
    return code;
  }
}

const LOCAL = { permitted: ['127.0.0.1'], names: { '*': ['127.0.0.1'] } };

describe('A host that is not of the public internet is never connected to', () => {
  const hosts = [
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '127.0.1',
    '127.000.000.001',
    '0177.0.0.1',
    '0177.0.0.01',
    '0x7f.0.0.1',
    '0x7f.0x0.0x0.0x1',
    '0X7F.1',
    '0x7f000001',
    '0x7F000001',
    '017700000001',
    '2130706433',
    '2130706433.',
    '127.0.0.255',
    '127.255.255.254',
    '%31%32%37.0.0.1',
    '127%2e0%2e0%2e1',
    '\u2460\u2461\u2466.\u24ea.\u24ea.\u2460',
    '\uff11\uff12\uff17.0.0.1',
    '127\u30020\u30020\u30021',
    '127\uff0e0\uff0e0\uff0e1',
    '127.0.0\u00ad.1',
    '0',
    '0.0.0.0',
    '0x0',
    '000',
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[0000:0000:0000:0000:0000:0000:0000:0001]',
    '[::0001]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::FFFF:7F00:0001]',
    '[0:0:0:0:0:ffff:127.0.0.1]',
    '[::127.0.0.1]',
    '[::7f00:1]',
    '[::ffff:0:127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[2002:7f00:1::1]',
    '[2001:0:7f00:1::]',
    '[2001:4860::5efe:7f00:1]',
    '[::ffff:0.0.0.0]',
    '[::1%25lo]',
    '[::1%lo]',
    '[fe80::1%25eth0]',
    '10.0.0.1',
    '10.1',
    '0xa.0.0.1',
    '012.0.0.1',
    '167772161',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '192.168.1',
    '0xc0a80001',
    '3232235521',
    '0300.0250.0.1',
    '[::ffff:192.168.0.1]',
    '[::ffff:c0a8:1]',
    '[::c0a8:1]',
    '[2002:c0a8:1::]',
    '[64:ff9b::c0a8:1]',
    '100.64.0.1',
    '169.254.1.1',
    '[fe80::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fd12:3456::1]',
    '192.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '4294967295',
    '[ff02::1]',
    '[2001:db8::1]',
    '[100::1]',
    '169.254.169.254',
    '169.254.169.254.',
    '0xa9fea9fe',
    '2852039166',
    '0251.0376.0251.0376',
    '169.254.43518',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a9fe:a9fe::]',
    '[fd00:ec2::254]',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '256.0.0.1',
    '1.2.3.4.5',
    '127.0.0.1%00.example.com',
    '127.0.0.08',
    '[::1',
    '[1.2.3.4]',
    '[g::1]',
  ];
  for (const host of hosts) {
    test(`spelled ${JSON.stringify(host)}`, async () => {
      assert.equal(await outcome(`http://${host}:${port}/`), 'IMAGE_URL_FORBIDDEN');
      assert.equal(connections, 0);
    });
  }

  test('and the spellings of loopback would reach it, were it permitted', async () => {
    for (const host of ['127.1', '0x7f000001', '2130706433', '0177.0.0.1', '127.0.0.1.', '%31%32%37.0.0.1']) {
      assert.equal(await outcome(`http://${host}:${port}/`, LOCAL), PICTURE.toString(), host);
    }
  });

  const names: Record<string, string[]> = {
    localhost: ['127.0.0.1'],
    'localhost.': ['::1'],
    LOCALHOST: ['127.0.0.1'],
    'localhost.localdomain': ['127.0.0.1', '::1'],
    'metadata.google.internal': ['169.254.169.254'],
    'camera.local': ['192.168.1.20'],
    'six.example': ['fd00::1'],
    'mapped.example': ['::ffff:127.0.0.1'],
    'nat64.example': ['64:ff9b::7f00:1'],
    'first-good.example': ['93.184.215.14', '127.0.0.1'],
    'first-bad.example': ['127.0.0.1', '93.184.215.14'],
    'six-bad.example': ['93.184.215.14', '::1'],
    'many.example': ['93.184.215.14', '93.184.215.15', '10.0.0.1', '93.184.215.16'],
    'nonsense.example': ['not an address'],
    'half-nonsense.example': ['93.184.215.14', '127.1'],
    'zone.example': ['fe80::1%lo'],
    'unknown.example': [],
  };
  for (const [name, addresses] of Object.entries(names)) {
    test(`by the name ${name} of ${addresses.join(' and ') || 'no address'}`, async () => {
      const url = `http://${name}:${port}/`;
      assert.equal(await outcome(url, { names: { [name.toLowerCase()]: addresses } }), 'IMAGE_URL_FORBIDDEN');
      assert.equal(connections, 0);
    });
  }

  test('and a name that is not known is answered as one that leads inside', async () => {
    const ask = async (attempt: Attempt) => {
      const error = await fetcher(attempt)(`http://x.example:${port}/`, 'acc_1').catch((e: Error) => e);
      return (error as Error).message;
    };
    assert.equal(await ask({}), await ask({ names: { '*': ['10.0.0.1'] } }));
  });
});

describe('A URL is refused for what it says itself', () => {
  const urls = [
    'ftp://example.com/a.jpg',
    'file:///etc/passwd',
    'file://127.0.0.1/etc/passwd',
    'gopher://127.0.0.1:70/_x',
    'data:image/png;base64,AAAA',
    'javascript:alert(1)',
    'blob:http://example.com/1',
    'ws://example.com/',
    'unix:/var/run/docker.sock',
    'dict://127.0.0.1:11211/stats',
    'ldap://127.0.0.1/',
    'http+unix://%2Fvar%2Frun%2Fdocker.sock/x',
    'view-source:http://example.com/',
    'about:blank',
    'http://',
    'http://:80/',
    'http:///',
    '//example.com/a.jpg',
    '/etc/passwd',
    'example.com/a.jpg',
    '',
    ' ',
    'http://exa mple.com/',
    'http://user@93.184.215.14/',
    'http://user:password@93.184.215.14/',
    'http://:password@93.184.215.14/',
    'http://127.0.0.1@93.184.215.14/',
    'http://93.184.215.14:80@127.0.0.1/',
    'http://a@b@93.184.215.14/',
    'http://93.184.215.14%40127.0.0.1/',
    'http://93.184.215.14:22/',
    'http://93.184.215.14:0/',
    'http://93.184.215.14:65536/',
    'http://93.184.215.14:-1/',
    'http://93.184.215.14:6379/',
    'https://93.184.215.14:25/',
    'http://[2606:4700::1111]:11211/',
  ];
  for (const url of urls) {
    test(JSON.stringify(url), async () => {
      assert.equal(await outcome(url), 'IMAGE_URL_FORBIDDEN');
    });
  }

  test('also where it would be permitted but for the user name', async () => {
    assert.equal(await outcome(`http://user@127.0.0.1:${port}/`, LOCAL), 'IMAGE_URL_FORBIDDEN');
    assert.equal(await outcome(`http://:secret@127.0.0.1:${port}/`, LOCAL), 'IMAGE_URL_FORBIDDEN');
    assert.equal(connections, 0);
  });
});

describe('A redirect', () => {
  const redirectTo = (location: string, status = 302) => {
    respond = (request, response) => {
      if (request.url === '/start') response.writeHead(status, { Location: location }).end();
      else response.end(PICTURE);
    };
    return outcome(`http://start.example:${port}/start`, {
      ...LOCAL,
      names: {
        'start.example': ['127.0.0.1'],
        'inside.example': ['127.0.0.2'],
        'other.example': ['127.0.0.1'],
      },
    });
  };

  for (const status of [301, 302, 303, 307, 308]) {
    test(`of status ${status} is followed to where it is permitted`, async () => {
      assert.equal(await redirectTo(`http://other.example:${port}/end`, status), PICTURE.toString());
      assert.equal(await redirectTo('/end', status), PICTURE.toString());
    });
  }

  const targets = [
    'http://127.0.0.2:PORT/',
    'http://2130706434:PORT/',
    'http://0x7f.2:PORT/',
    'http://[::1]:PORT/',
    'http://[::ffff:127.0.0.2]:PORT/',
    'http://[64:ff9b::127.0.0.1]:PORT/',
    'http://169.254.169.254:PORT/latest/meta-data/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]:PORT/',
    'http://10.0.0.1:PORT/',
    'http://192.168.1.1:PORT/',
    'http://inside.example:PORT/',
    'http://unknown.example:PORT/',
    '//inside.example:PORT/',
    '\\\\inside.example:PORT\\',
    'http://127.0.0.1:1/',
    'http://127.0.0.1/',
    'http://user@127.0.0.1:PORT/',
    'http://127.0.0.1:PORT@127.0.0.2:PORT/',
    'file:///etc/passwd',
    'ftp://127.0.0.1:PORT/',
    'gopher://127.0.0.1:PORT/',
    'data:image/png;base64,AAAA',
    'javascript:0',
    'http://',
    'http://[',
  ];
  for (const target of targets) {
    test(`to ${target} is refused`, async () => {
      assert.equal(await redirectTo(target.replaceAll('PORT', String(port))), 'IMAGE_URL_FORBIDDEN');
      assert.equal(connections, 1);
    });
  }

  test('is followed three times and no fourth', async () => {
    respond = (request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end(PICTURE);
      else response.writeHead(302, { Location: `/${left - 1}` }).end();
    };
    assert.equal(await outcome(`http://a.example:${port}/3`, LOCAL), PICTURE.toString());
    assert.equal(await outcome(`http://a.example:${port}/4`, LOCAL), 'IMAGE_URL_FAILED');
    assert.equal(connections, 4 + 4);
  });

  test('in a circle ends', async () => {
    respond = (_, response) => response.writeHead(302, { Location: '/' }).end();
    assert.equal(await outcome(`http://a.example:${port}/`, LOCAL), 'IMAGE_URL_FAILED');
  });

  test('carries no cookie, no referrer and no credential', async () => {
    respond = (request, response) => {
      if (request.url === '/start') {
        response.writeHead(302, { Location: '/end', 'Set-Cookie': 'a=b' }).end();
      } else response.end(PICTURE);
    };
    await outcome(`http://a.example:${port}/start`, LOCAL);
    for (const { headers } of seen) {
      assert.deepEqual(Object.keys(headers).sort(), [
        'accept',
        'accept-encoding',
        'connection',
        'host',
        'user-agent',
      ]);
    }
    assert.equal(seen.length, 2);
  });
});

describe('A name', () => {
  test('is resolved once, and connected to where it led then: rebinding has no second chance', async () => {
    const answers = [['127.0.0.1'], ['127.0.0.2']];
    let asked = 0;
    const fetchImage = createImageFetcher({
      policy: (_, address) => address.toString() === '127.0.0.1',
      resolve: async () => answers[asked++] ?? [],
    });
    assert.deepEqual(await fetchImage(`http://rebind.example:${port}/`, 'a'), PICTURE);
    assert.equal(asked, 1);
    assert.equal(seen[0]?.headers.host, `rebind.example:${port}`);
  });

  test('that leads elsewhere after a redirect is refused then', async () => {
    const answers = [['127.0.0.1'], ['10.0.0.1']];
    let asked = 0;
    respond = (_, response) => response.writeHead(302, { Location: '/again' }).end();
    const fetchImage = createImageFetcher({
      policy: (_, address) => address.toString() === '127.0.0.1',
      resolve: async () => answers[asked++] ?? [],
    });
    await assert.rejects(fetchImage(`http://rebind.example:${port}/`, 'a'), { code: 'IMAGE_URL_FORBIDDEN' });
    assert.equal(connections, 1);
  });

  test('is asked for again by the connected address: the policy sees the peer', async () => {
    let calls = 0;
    const fetchImage = createImageFetcher({
      policy: () => ++calls === 1,
      resolve: async () => ['127.0.0.1'],
    });
    await assert.rejects(fetchImage(`http://a.example:${port}/`, 'a'), { code: 'IMAGE_URL_FAILED' });
    assert.equal(calls, 2);
    assert.deepEqual(seen, []);
  });

  test('is asked for on behalf of the account', async () => {
    const asked: string[] = [];
    const policy = (account: string) => asked.push(account) > 0;
    await createImageFetcher({ policy })(`http://127.0.0.1:${port}/`, 'acc_7');
    assert.deepEqual([...new Set(asked)], ['acc_7']);
  });
});

describe('What is behind a permitted address', () => {
  const get = (limits: Partial<FetchLimits> = {}) =>
    outcome(`http://a.example:${port}/p`, { ...LOCAL, limits });

  test('is fetched as it is, whatever type it says to be', async () => {
    respond = (_, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(PICTURE);
    assert.equal(await get(), PICTURE.toString());
  });

  for (const status of [201, 204, 206, 300, 304, 400, 401, 403, 404, 407, 500, 503]) {
    test(`fails alike with status ${status}`, async () => {
      respond = (_, response) =>
        response.writeHead(status).end(status === 204 || status === 304 ? '' : 'inside');
      assert.equal(await get(), 'IMAGE_URL_FAILED');
    });
  }

  test('fails with the same sentence as a closed port', async () => {
    const sentence = (url: string, permits: number) =>
      createImageFetcher({ policy: (_, __, at) => at === permits })(url, 'a').catch((e: Error) => e.message);
    const free = createTcpServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const closed = (free.address() as AddressInfo).port;
    await new Promise((resolve) => free.close(resolve));
    respond = (_, response) => response.writeHead(404).end('secret of the inside');
    assert.equal(
      await sentence(`http://127.0.0.1:${port}/`, port),
      await sentence(`http://127.0.0.1:${closed}/`, closed),
    );
  });

  test('fails where it is more than the limit says, as declared or as it comes', async () => {
    const limits = { bytes: 1000 };
    respond = (_, response) => response.end(Buffer.alloc(1000, 'a'));
    assert.equal((await get(limits)).length, 1000);
    respond = (_, response) => response.end(Buffer.alloc(1001));
    assert.equal(await get(limits), 'IMAGE_URL_FAILED');
    respond = (_, response) => {
      response.write(Buffer.alloc(600));
      response.end(Buffer.alloc(600));
    };
    assert.equal(await get(limits), 'IMAGE_URL_FAILED');
  });

  test('fails where it never ends', async () => {
    respond = (_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    };
    assert.equal(await get({ bytes: 1_000_000 }), 'IMAGE_URL_FAILED');
  });

  test('fails where it drips', async () => {
    let timer: NodeJS.Timeout | undefined;
    respond = (_, response) => {
      timer = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(timer));
    };
    assert.equal(await get({ rateMs: 100, minBytes: 100, totalMs: 60_000 }), 'IMAGE_URL_FAILED');
    clearInterval(timer);
  });

  test('fails where the answer does not begin, or does not end, in time', async () => {
    respond = () => {};
    assert.equal(await get({ headerMs: 50, totalMs: 60_000 }), 'IMAGE_URL_FAILED');
    respond = (_, response) => void response.write('x');
    assert.equal(await get({ totalMs: 50 }), 'IMAGE_URL_FAILED');
  });

  test('fails where the name is not resolved in time, and connects to nothing later', async () => {
    let answer: (addresses: string[]) => void = () => {};
    const fetchImage = createImageFetcher({
      policy: () => true,
      resolve: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
      limits: { totalMs: 50 },
    });
    await assert.rejects(fetchImage(`http://a.example:${port}/`, 'a'), { code: 'IMAGE_URL_FAILED' });
    answer(['127.0.0.1']);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(seen, []);
  });

  for (const encoding of ['gzip', 'deflate', 'br', 'x-gzip', 'identity, gzip', 'zstd']) {
    test(`fails in the content encoding ${encoding}`, async () => {
      respond = (_, response) =>
        response.writeHead(200, { 'Content-Encoding': encoding }).end(gzipSync(PICTURE));
      assert.equal(await get(), 'IMAGE_URL_FAILED');
    });
  }

  test('asks for no encoding and takes "identity"', async () => {
    respond = (_, response) => response.writeHead(200, { 'Content-Encoding': 'Identity' }).end(PICTURE);
    assert.equal(await get(), PICTURE.toString());
    assert.equal(seen[0]?.headers['accept-encoding'], 'identity');
  });

  test('fails empty', async () => {
    respond = (_, response) => response.end();
    assert.equal(await get(), 'IMAGE_URL_FAILED');
  });

  const raw: Record<string, string> = {
    'a length beyond what comes': 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort',
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nshort!',
    'a negative length': 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nshort',
    'a length that is no number': 'HTTP/1.1 200 OK\r\nContent-Length: lots\r\n\r\nshort',
    'a huge length': 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nshort',
    'a length and chunks':
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n0\r\n\r\n',
    'chunks cut off': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nshort',
    'a chunk of no size': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nshort',
    'an endless header': `HTTP/1.1 200 OK\r\n${'X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(2000)}`,
    'another protocol': 'SSH-2.0-OpenSSH_9.2p1\r\n',
    nothing: '',
    'an upgrade': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
    'a redirect to nowhere': 'HTTP/1.1 302 Found\r\n\r\n',
  };
  for (const [what, text] of Object.entries(raw)) {
    test(`fails with ${what}`, async () => {
      const sockets: Socket[] = [];
      const hostile = createTcpServer((socket) => {
        sockets.push(socket);
        socket.on('error', () => {});
        socket.once('data', () => socket.end(text));
      });
      await new Promise<void>((resolve) => hostile.listen(0, '127.0.0.1', resolve));
      const at = (hostile.address() as AddressInfo).port;
      const fetchImage = createImageFetcher({
        policy: () => true,
        limits: { totalMs: 2_000, headerMs: 500 },
      });
      await assert.rejects(fetchImage(`http://127.0.0.1:${at}/`, 'a'), { code: 'IMAGE_URL_FAILED' });
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => hostile.close(resolve));
    });
  }

  test('fails over https where the other end speaks no TLS, but was told the name', async () => {
    let hello = '';
    const plain = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (data) => {
        hello = data.toString('latin1');
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx');
      });
    });
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const at = (plain.address() as AddressInfo).port;
    const fetchImage = createImageFetcher({ policy: () => true, resolve: async () => ['127.0.0.1'] });
    await assert.rejects(fetchImage(`https://name.example:${at}/`, 'a'), { code: 'IMAGE_URL_FAILED' });
    assert.ok(hello.includes('name.example'));
    await new Promise((resolve) => plain.close(resolve));
  });

  test('ignores the proxies of the environment', async () => {
    const names = ['http_proxy', 'HTTP_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'];
    const old = names.map((name) => process.env[name]);
    for (const name of names) process.env[name] = 'http://127.0.0.1:1';
    try {
      assert.equal(await get(), PICTURE.toString());
    } finally {
      names.forEach((name, at) => {
        if (old[at] === undefined) delete process.env[name];
        else process.env[name] = old[at];
      });
    }
  });

  test('is fetched for so many at a time and no more', async () => {
    const waiting: (() => void)[] = [];
    respond = (_, response) => void waiting.push(() => response.end(PICTURE));
    const fetchImage = fetcher({ ...LOCAL, limits: { parallel: 2 } });
    const url = `http://a.example:${port}/`;
    const both = [fetchImage(url, 'a'), fetchImage(url, 'b')];
    await assert.rejects(fetchImage(url, 'c'), { code: 'OVERLOADED' });
    while (waiting.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const go of waiting) go();
    assert.deepEqual(await Promise.all(both), [PICTURE, PICTURE]);
    respond = (_, response) => response.end(PICTURE);
    assert.deepEqual(await fetchImage(url, 'c'), PICTURE);
  });
});

describe('image.url in a request', () => {
  const post = (url: string, image: unknown) =>
    fetch(`${url}/image`, {
      method: 'POST',
      headers: { 'X-API-Key': 'a-key', 'Content-Type': 'application/json' },
      body: JSON.stringify({ image, collectionId: 'a' }),
    });

  test('brings the picture to the handler as its own bytes', async () => {
    const service = await startEchoService(fetcher(LOCAL));
    const answer = await post(service.url, { url: `http://a.example:${port}/` });
    const { encoding, length } = (await answer.json()) as { encoding: string; length: number };
    assert.deepEqual([answer.status, encoding, length], [200, 'binary', PICTURE.length]);
    const both = await post(service.url, { url: `http://a.example:${port}/`, bytes: 'AAAA' });
    assert.equal(both.status, 400);
    await service.stop();
  });

  test('is refused where fetching is off, without a connection', async () => {
    const service = await startEchoService();
    const answer = await post(service.url, { url: `http://127.0.0.1:${port}/` });
    assert.equal(((await answer.json()) as { code: string }).code, 'IMAGE_URL_FORBIDDEN');
    assert.equal(connections, 0);
    await service.stop();
  });

  test('to the service itself is refused', async () => {
    let own: number | null = null;
    const settings = { enabled: true, ports: [80, 443], allow: [] };
    const service = await startEchoService(
      createImageFetcher({ policy: imageUrlPolicy(settings, () => (own === null ? [] : [own])) }),
    );
    own = service.port;
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '0.0.0.0']) {
      const answer = await post(service.url, { url: `http://${host}:${own}/query` });
      assert.equal(((await answer.json()) as { code: string }).code, 'IMAGE_URL_FORBIDDEN');
    }
    await service.stop();
  });
});
