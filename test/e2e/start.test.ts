import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { whyUnavailable } from '../../src/native/device.ts';
import { openSearchSpace, type SearchSpace } from '../../src/native/gallery-index.ts';
import type { AddedFace } from '../../src/store/faces.ts';
import { Store } from '../../src/store/store.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { float32Of, makeOld } from '../../testing/older-store.ts';
import { portrait } from '../../testing/photographs.ts';
import {
  type Child,
  ROOT,
  type Service,
  startChild,
  startService,
  temporaryFolder,
} from '../../testing/service.ts';

async function failure(settings: Record<string, string>): Promise<{ code: number; stderr: string }> {
  const folder = await temporaryFolder();
  try {
    const child = await startChild(folder.path, settings);
    await child.stop();
    throw new Error('It started');
  } catch (error) {
    const { code, stderr, message } = error as { code?: number; stderr?: string; message: string };
    assert.ok(stderr !== undefined, message);
    assert.match(stderr, /^visage: [^\n]+\n$/);
    assert.ok(!existsSync(join(folder.path, 'admin.sock')), 'the admin socket is closed');
    return { code: code ?? -1, stderr };
  } finally {
    await folder.remove();
  }
}

describe('A start that cannot succeed ends with a sentence and a code', () => {
  test('for an unknown setting', async () => {
    const { code, stderr } = await failure({ VISAGE_PORT: '80' });
    assert.equal(code, 78);
    assert.match(stderr, /VISAGE_PORT/);
  });

  test('for an address that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const { code, stderr } = await failure({ VISAGE_LISTEN: `127.0.0.1:${port}` });
    other.close();
    assert.equal(code, 69);
    assert.match(stderr, /another program listens there.*VISAGE_LISTEN/);
  });

  for (const setting of ['VISAGE_LISTEN', 'VISAGE_METRICS_LISTEN']) {
    test(`for an address that is taken when others are open: ${setting}`, async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as { port: number };
      const { code, stderr } = await failure({
        VISAGE_TLS_LISTEN: '127.0.0.1:0',
        [setting]: `127.0.0.1:${port}`,
      });
      other.close();
      assert.equal(code, 69);
      assert.match(stderr, new RegExp(`another program listens there.*${setting}`));
    });
  }

  test('for a model pack that is not there', async () => {
    const { code, stderr } = await failure({ VISAGE_MODEL_PACK: 'nothing' });
    assert.equal(code, 69);
    assert.match(stderr, /model pack "nothing"/);
  });

  for (const device of ['cuda', 'tensorrt'] as const) {
    const skip = whyUnavailable(device) === null && 'the provider libraries are here';
    test(`for the device ${device} without its libraries`, { skip }, async () => {
      const { code, stderr } = await failure({ VISAGE_DEVICE: device });
      assert.equal(code, 69);
      assert.match(
        stderr,
        new RegExp(`The device ${device} cannot be used: libonnxruntime_providers_\\w+\\.so is`),
      );
      assert.match(stderr, /Set device to auto or cpu to run without it\.\n$/);
    });
  }

  test('for a model file that was altered', async () => {
    const folder = await temporaryFolder();
    const pack = join(folder.path, 'pack');
    cpSync(join(ROOT, 'models/faceplugin'), pack, { recursive: true });
    writeFileSync(join(pack, 'fr_landmark.onnx'), 'altered');
    const { code, stderr } = await failure({ VISAGE_MODEL_PACK: pack });
    await folder.remove();
    assert.equal(code, 69);
    assert.match(stderr, /fr_landmark\.onnx.*[0-9a-f]{64}/);
  });
});

test('A service that starts is alive at its own address, and says that it is not ready until it is', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await new Promise((resolve) => other.close(resolve));
  const url = `http://127.0.0.1:${port}`;
  const folder = await temporaryFolder();
  const starting = startChild(folder.path, { VISAGE_LISTEN: `127.0.0.1:${port}` });
  let first: Response | null = null;
  while (first === null) {
    await wait(10);
    first = await fetch(`${url}/readyz`).catch(() => null);
  }
  const { code, detail } = (await first.json()) as { code: string; detail: string };
  assert.deepEqual([first.status, code], [503, 'NOT_READY']);
  assert.match(detail, /^Not passed yet: .*indexConsistent/);
  assert.equal((await fetch(`${url}/livez`)).status, 200);
  const child = await starting;
  assert.equal(child.url, url);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  await child.stop();
  await folder.remove();
});

describe('A started service', () => {
  let service: Service;
  before(async () => {
    service = await startService();
  });
  after(() => service.stop());

  test('tells its address, the way to a key, and a call that works', async () => {
    const said = service.child.stderr();
    assert.ok(said.includes(`serves at ${service.child.url} `));
    assert.ok(said.includes(`bin/visagectl keys create --name first --data-dir '${service.folder}'`));
    assert.match(said, /curl -H "Authorization: ApiKey \$KEY" http:\S+\/v1\/collection\/get-all/);
  });

  test('is alive, ready, and knows the time', async () => {
    const { client } = service;
    assert.equal(await client.ok('GET', '/livez'), 'ok');
    const { checks, device } = await client.ok('GET', '/readyz');
    assert.deepEqual(Object.values(checks), [true, true, true, true]);
    const fallBack = service.child.log.find(({ msg }) => /^no GPU: /.test(String(msg)));
    assert.equal(device, fallBack ? 'cpu' : device);
    assert.ok(device !== 'cpu' || fallBack, 'the log says why it is the CPU');
    const time = Date.parse(await client.ok('GET', '/v1/healthz'));
    assert.ok(Math.abs(Date.now() - time) < 60_000);
  });

  test('serves its documentation itself', async () => {
    const page = await fetch(`${service.client.url}/swagger`);
    const html = await page.text();
    assert.match(page.headers.get('content-security-policy') ?? '', /script-src 'self';/);
    assert.doesNotMatch(html, /https?:\/\/|<script>|onload/);
    for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const asset = await fetch(service.client.url + path);
      assert.equal(asset.status, 200, path);
      assert.equal(asset.headers.get('x-content-type-options'), 'nosniff');
      assert.ok((await asset.arrayBuffer()).byteLength > 100);
    }
    assert.equal((await fetch(`${service.client.url}/swagger/../../package.json`)).status, 404);
    assert.equal((await fetch(`${service.client.url}/swagger/%2e%2e%2fpackage.json`)).status, 404);
  });

  test('finds after a restart what it was told before', async () => {
    const { client, folder, child } = service;
    await client.ok('POST', '/v1/collection/create', { json: { collectionId: 'kept' } });
    const image = { bytes: (await portrait('anna')).toString('base64') };
    const { faceId } = await client.ok('POST', '/v1/face/index', { json: { image, collectionId: 'kept' } });
    assert.equal(await child.stop(), 0);
    const again = await startChild(folder);
    try {
      assert.ok(
        again.log.some(
          ({ msg, done, total }) => msg === 'the index is complete' && done === 1 && total === 1,
        ),
      );
      const elsewhere = { bytes: (await portrait('annaElsewhere')).toString('base64') };
      const sent = { json: { image: elsewhere, collectionId: 'kept' } };
      assert.equal((await client.at(again.url).ok('POST', '/v1/face/search', sent)).faceId, faceId);
    } finally {
      await again.stop();
    }
  });
});

test('A large collection is kept as a snapshot at the stop, and taken from it at the next start', async (t) => {
  const folder = await temporaryFolder();
  t.after(() => folder.remove());
  const faces = 5_001;
  const { gallery, first } = await fillStore(folder.path, faces);
  const indexOf = ({ log }: Child) => log.find(({ msg }) => msg === 'the index is complete');
  const rebuilt = await startChild(folder.path);
  assert.equal(indexOf(rebuilt)?.fromSnapshots, 0);
  assert.equal(await rebuilt.stop(), 0);
  const snapshot = join(folder.path, 'snapshots', `${gallery}.snapshot`);
  assert.equal(statSync(snapshot).mode & 0o777, 0o600);
  const before = statSync(snapshot).ino;

  const restored = await startChild(folder.path);
  assert.equal(indexOf(restored)?.fromSnapshots, faces);
  assert.equal(await restored.stop(), 0);
  assert.equal(statSync(snapshot).ino, before, 'nothing has changed, so nothing is written');

  const store = Store.open(folder.path);
  await store.faces.removeById(first.owner, 'people', first.faceId);
  await store.close();
  const behind = await startChild(folder.path);
  assert.equal(indexOf(behind)?.fromSnapshots, faces - 1);
  assert.equal(indexOf(behind)?.done, faces - 1);
  assert.equal(await behind.stop(), 0);
  assert.notEqual(statSync(snapshot).ino, before, 'the removed face is in no snapshot any more');
});

test('A store of an earlier version is converted while the service serves it', async (t) => {
  const folder = await temporaryFolder();
  t.after(() => folder.remove());
  const { gallery } = await fillStore(folder.path, 300, (_, template) => float32Of(template));
  await makeOld(folder.path);
  const child = await startChild(folder.path);
  const isConverted = ({ msg }: Child['log'][number]) =>
    msg === 'the templates of a gallery were converted to rows';
  while (!child.log.some(isConverted)) {
    assert.equal(child.process.exitCode, null);
    await wait(50);
  }
  assert.equal(await child.stop(), 0);
  const store = Store.open(folder.path);
  assert.deepEqual(store.faces.unconverted(), []);
  for (const label of store.faces.labels(gallery)) {
    assert.equal(store.faces.row({ gallery, label })?.length, 324, 'of rank 160, with an offset');
  }
  assert.deepEqual(store.check(), []);
  await store.close();
});

async function fillStore(
  folder: string,
  faces: number,
  bytesOf = (space: SearchSpace, template: Float32Array): Uint8Array => space.row(template),
) {
  const { name, version, pipeline, searchSpace } = await openModelPack('yunet');
  const packId = { pack: name, packVersion: version };
  const store = Store.open(folder);
  const owner = { accountId: store.accounts.first().accountId, environment: 'live' } as const;
  await store.collections.create(owner, { collectionId: 'people', description: null, now: 1, ...packId });
  const face = { box: { x: 1, y: 2, width: 30, height: 40 }, confidence: 0.9, createdAt: 1, ...packId };
  const { dimension } = pipeline.embedder;
  const space = openSearchSpace(searchSpace ?? dimension);
  const added = await Promise.all(
    Array.from({ length: faces }, (_, i) => {
      const template = new Float32Array(dimension);
      template[i % dimension] = Math.SQRT1_2;
      template[Math.floor(i / dimension) + (((i % dimension) + 1) % (dimension - 20))] = Math.SQRT1_2;
      return store.faces.add(owner, 'people', face, bytesOf(space, template));
    }),
  );
  await store.close();
  const [{ gallery, faceId }] = added as [AddedFace];
  return { gallery, first: { owner, faceId } };
}
