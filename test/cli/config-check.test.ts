import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { OPERATIONS } from '../../src/config/operations.ts';
import { makeSelfSigned } from '../../src/ops/self-signed.ts';
import { addPreparedNetworks } from '../../testing/prepared-networks.ts';
import {
  childEnvironment,
  MAIN,
  ROOT,
  startChild,
  temporaryFolder,
  visagectl,
} from '../../testing/service.ts';
import { addSigningKey } from '../../testing/signing-keys.ts';

let folder: string;
let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
before(async () => {
  temporary = await temporaryFolder();
  folder = temporary.path;
  mkdirSync(join(folder, 'data'));
  await addPreparedNetworks(join(folder, 'data'));
  addSigningKey(join(folder, 'data'));
});
after(() => temporary.remove());

function pemFiles(name: string): { certificate: string; key: string } {
  const pair = makeSelfSigned(['visage.test'], new Date(Date.now() - 1e6), new Date(Date.now() + 1e9));
  const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  writeFileSync(certificate, pair.certificate);
  writeFileSync(key, pair.key, { mode: 0o600 });
  return { certificate, key };
}

const refused: [what: string, word: RegExp, toml: () => Promise<string> | string][] = [
  [
    'a price of an operation that there is not',
    /"serchFace".*did you mean searchFace/,
    () => '[prices]\nserchFace = 1',
  ],
  ['a price that is like no operation', /"readMinds".*utcNow/, () => '[prices]\nreadMinds = 1'],
  ['a plan that there is not', /enterprise, got "gold"/, () => 'plan = "gold"'],
  ['a model pack that is not there', /no model pack "nobody"/, () => 'model_pack = "nobody"'],
  ['another model pack that is not there', /no model pack "nobody"/, () => 'extra_model_packs = ["nobody"]'],
  ['one model pack twice', /Two model packs have the same name/, () => 'extra_model_packs = ["yunet"]'],
  [
    'a model file that was altered',
    /fr_landmark\.onnx/,
    () => {
      const pack = join(folder, 'altered');
      cpSync(join(ROOT, 'models/faceplugin'), pack, { recursive: true });
      writeFileSync(join(pack, 'fr_landmark.onnx'), 'altered');
      return `model_pack = "${pack}"`;
    },
  ],
  ['a certificate without a key', /tls_key: .* got nothing/, () => 'tls_certificate = "a.pem"'],
  [
    'a certificate that is not there',
    /cannot be read: the file does not exist/,
    () => 'tls_listen = "127.0.0.1:0"\ntls_certificate = "no.pem"\ntls_key = "no.key"',
  ],
  [
    'a key of another certificate',
    /does not belong to the certificate/,
    () => {
      const [a, b] = [pemFiles('a'), pemFiles('b')];
      return `tls_listen = "127.0.0.1:0"\ntls_certificate = "${a.certificate}"\ntls_key = "${b.key}"`;
    },
  ],
  [
    'a key that others can read',
    /can be read or changed by others/,
    () => {
      const { certificate, key } = pemFiles('open');
      chmodSync(key, 0o644);
      return `tls_listen = "127.0.0.1:0"\ntls_certificate = "${certificate}"\ntls_key = "${key}"`;
    },
  ],
  [
    'an address that is not of this machine',
    /no such address.*VISAGE_LISTEN/,
    () => 'listen = "192.0.2.1:8080"',
  ],
  ['an unknown name of a machine', /not known|EAI_AGAIN/, () => 'listen = "nowhere.invalid:8080"'],
  [
    'an address for metrics that another program holds',
    /another program listens there.*METRICS/,
    async () => `listen = "127.0.0.1:0"\nmetrics_listen = "127.0.0.1:${await takenPort()}"`,
  ],
  [
    'one address for two purposes',
    /another program listens there/,
    async () => {
      const port = await freePort();
      return `listen = "127.0.0.1:${port}"\nmetrics_listen = "127.0.0.1:${port}"`;
    },
  ],
  [
    'a data folder that is a file',
    /The data folder .* cannot be used/,
    () => {
      writeFileSync(join(folder, 'file'), '');
      return `data_dir = "${join(folder, 'file', 'data')}"`;
    },
  ],
];

const servers: ReturnType<typeof createServer>[] = [];
after(() => {
  for (const server of servers) server.close();
});

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await once(server.close(), 'close');
  return port;
}

describe('config check refuses what the start refuses, in the same words', () => {
  for (const [what, word, toml] of refused) {
    test(what, async () => {
      const file = join(folder, 'visage.toml');
      writeFileSync(file, `${await toml()}\n`);
      const written = readFileSync(file, 'utf8');
      const settings: Record<string, string> = { VISAGE_CONFIG: file };
      if (!written.includes('data_dir')) settings.VISAGE_DATA_DIR = join(folder, 'data');
      if (!/^listen/m.test(written)) settings.VISAGE_LISTEN = '127.0.0.1:0';
      const checked = await visagectl(['config', 'check'], settings);
      assert.deepEqual([checked.code, checked.stdout], [78, '']);
      assert.match(checked.stderr, word);
      const started = await startedWith(settings);
      assert.match(started, word);
      if (!written.includes('data_dir'))
        assert.equal(started.replace(/^visage: /, 'visagectl: '), checked.stderr);
    });
  }

  async function startedWith(settings: Record<string, string>): Promise<string> {
    const child = spawn(process.execPath, [MAIN], { env: childEnvironment(settings), cwd: ROOT });
    child.stdout.on('data', (text) => {
      if (String(text).includes('"listening"')) child.kill();
    });
    const ended = once(child, 'close');
    const said = await text(child.stderr);
    const [code] = await ended;
    assert.ok(code === 78 || code === 69, `it ended with ${code}: ${said}`);
    return said;
  }
});

describe('config check', () => {
  test('takes what a start takes, makes nothing, and listens nowhere after', async () => {
    const { certificate, key } = pemFiles('good');
    const port = await freePort();
    const file = join(folder, 'good.toml');
    const data = join(folder, 'not', 'yet');
    writeFileSync(
      file,
      `listen = "127.0.0.1:${port}"\ndata_dir = "${data}"\ntls_certificate = "${certificate}"\ntls_key = "${key}"\n` +
        '[prices]\nsearchFace = 0.5\n',
    );
    const { code, stdout, stderr } = await visagectl(['config', 'check', '--json', '--config', file], {});
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(JSON.parse(stdout).prices, { searchFace: 0.5 });
    assert.throws(() => readFileSync(join(folder, 'not')), /ENOENT/);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
  });

  test('takes the addresses that the running service holds itself', async () => {
    const data = join(folder, 'running');
    const port = await freePort();
    const settings = { VISAGE_LISTEN: `127.0.0.1:${port}` };
    const child = await startChild(data, settings);
    try {
      const checked = await visagectl(['config', 'check'], { ...settings, VISAGE_DATA_DIR: data });
      assert.deepEqual([checked.code, checked.stderr], [0, 'The settings are valid.\n']);
    } finally {
      await child.stop();
    }
  });

  test('says that listen has no effect where systemd holds the sockets, also while the service is stopped', async () => {
    const port = await takenPort();
    const programs = join(folder, 'programs');
    mkdirSync(programs);
    writeFileSync(join(programs, 'systemctl'), '#!/bin/sh\n[ "$3" = visage.socket ]\n', { mode: 0o755 });
    const settings = { VISAGE_LISTEN: `127.0.0.1:${port}`, VISAGE_DATA_DIR: join(folder, 'data') };
    const { code, stderr } = await visagectl(['config', 'check'], {
      ...settings,
      PATH: `${programs}:${process.env.PATH}`,
    });
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /^listen has no effect: systemd holds the sockets that visage\.socket .*systemctl edit/,
    );
    const refused = await visagectl(['config', 'check'], settings);
    assert.equal(refused.code, 78);
  });
});

test('The operations that a price may name are those of the API', () => {
  const { paths } = JSON.parse(readFileSync(join(ROOT, 'docs/openapi.json'), 'utf8')) as {
    paths: Record<string, Record<string, { operationId?: string }>>;
  };
  const ids = Object.values(paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ operationId }) => operationId ?? []),
  );
  assert.deepEqual([...OPERATIONS].sort(), [...new Set(ids)].sort());
});
