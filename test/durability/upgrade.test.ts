import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MigrationView } from '../../src/api/migrations.ts';
import { openSearchSpace } from '../../src/native/gallery-index.ts';
import { Store } from '../../src/store/store.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { faceMixes } from '../../testing/face-mixes.ts';
import { differentPeople } from '../../testing/sample-faces.ts';
import { secondPack } from '../../testing/second-pack.ts';
import { type Child, ROOT, startChild, temporaryFolder, visagectl } from '../../testing/service.ts';

const FIXTURE = join(ROOT, 'test/fixtures/first-release');
const KILLS = 8;
const LONGEST_LIFE_MS = 1_500;
const MIXES = 20_000;
/** The store of 0.1.0 has 32-bit templates, this one 16-bit rows. */
const ROUNDING = 0.1;

interface Answers {
  readonly collectionId: string;
  readonly probeWidth: number;
  readonly searches: readonly {
    readonly faceId: string;
    readonly externalKey: string;
    readonly similarity: number;
  }[];
}

const { collectionId, probeWidth, searches }: Answers = JSON.parse(
  readFileSync(join(FIXTURE, 'answers.json'), 'utf8'),
);
const next = secondPack('faceplugin', () => ({
  version: 'next',
  calibration: {
    points: [
      [-1, 0],
      [0.2, 50],
      [0.6, 100],
    ],
  },
}));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let probes: Buffer[];
let child: Child;
let key: string;
let isKilled = false;

before(async () => {
  [folder, probes] = await Promise.all([temporaryFolder(), differentPeople(probeWidth)]);
  execFileSync('tar', ['-xJf', join(FIXTURE, 'data.tar.xz'), '-C', folder.path]);
});
after(async () => {
  await child.stop();
  await folder.remove();
  next.remove();
});

async function start(): Promise<void> {
  isKilled = false;
  child = await startChild(folder.path, { VISAGE_MODEL_PACK: next.folder });
}

async function kill(): Promise<void> {
  isKilled = true;
  const closed = once(child.process, 'close');
  child.process.kill('SIGKILL');
  await closed;
}

async function call(method: string, target: string, image?: Buffer, json?: object) {
  const response = await fetch(`${child.url}/v1/${target}`, {
    method,
    headers: {
      Authorization: `ApiKey ${key}`,
      ...(image ? { 'Content-Type': 'image/jpeg' } : json ? { 'Content-Type': 'application/json' } : {}),
    },
    ...(image ? { body: new Uint8Array(image) } : json ? { body: JSON.stringify(json) } : {}),
  });
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  assert.ok(response.ok, `${target}: ${response.status} ${JSON.stringify(answer)}`);
  return answer as {
    faceId: string | null;
    externalKey: string | null;
    similarity: number;
    matches?: readonly unknown[];
  };
}

const search = (image: Buffer | undefined) =>
  call('POST', `face/search?collectionId=${collectionId}&faceMatchThreshold=0`, image);

async function migrate(...options: string[]): Promise<MigrationView & { readonly left: readonly unknown[] }> {
  const args = ['models', 'migrate', collectionId, '--json', ...options];
  const { code, stdout, stderr } = await visagectl(args, { VISAGE_DATA_DIR: folder.path });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).migrations[0];
}

test('a data folder of 0.1.0 is served at once, with its scores', async () => {
  await start();
  const created = await visagectl(['keys', 'create', '--name', 'test', '--rate-limit', '1000000'], {
    VISAGE_DATA_DIR: folder.path,
  });
  key = created.stdout.trim();
  const { from, state } = await migrate('--status');
  assert.deepEqual([from.model, from.version, state], ['faceplugin', '2', 'none']);
  for (const [i, { faceId, externalKey, similarity }] of searches.entries()) {
    const found = await search(probes[i]);
    assert.deepEqual([found.faceId, found.externalKey], [faceId, externalKey]);
    assert.ok(Math.abs(found.similarity - similarity) <= ROUNDING, `${found.similarity} of ${similarity}`);
  }
  await child.stop();
});

const added = new Map<string, number>();
const deleted = new Set<string>();

test('a paused migration stays where it is, also across kills, and one that is rolled back starts again', async () => {
  await addMixes();
  await start();
  let load = underLoad(added, deleted, 'before');
  load.catch(() => {});
  await sleep((Math.random() * LONGEST_LIFE_MS) / 5);
  await kill();
  await load;

  await pauseInStore();
  const paused = await checked();
  await start();
  load = underLoad(added, deleted, 'paused');
  load.catch(() => {});
  await sleep(Math.random() * LONGEST_LIFE_MS);
  assert.equal((await migrate('--status')).state, 'paused');
  await kill();
  await load;
  const later = await checked();
  assert.equal(later.faces - later.moved, paused.faces - paused.moved, 'faces moved while it was paused');

  await start();
  const report = await migrate('--status');
  assert.deepEqual([report.state, report.faces, report.moved], ['paused', later.faces, later.moved]);
  assert.equal(report.left.length, later.faces - later.moved);
  load = underLoad(added, deleted, 'rolled-back');
  load.catch(() => {});
  const { state, from } = await migrate('--rollback');
  assert.deepEqual([state, from.version], ['none', '2']);
  await sleep(Math.random() * LONGEST_LIFE_MS);
  await kill();
  await load;
  const back = await checked();
  assert.deepEqual([back.version, back.moved], ['2', 0]);
  await beginInStore();
});

test('a paused migration goes on where it stopped, also when it is killed then', async () => {
  await start();
  await sleep((Math.random() * LONGEST_LIFE_MS) / 5);
  await kill();
  await pauseInStore();
  const paused = await checked();
  await start();
  const load = underLoad(added, deleted, 'resumed');
  load.catch(() => {});
  assert.match((await migrate()).state, /^mov/);
  while ((await migrate('--status')).moved <= paused.moved) await sleep(20);
  await kill();
  await load;
  const { version, faces, moved } = await checked();
  assert.ok(version === 'next' || moved > paused.moved, `${moved} after ${paused.moved}`);
  assert.ok(faces >= searches.length + MIXES + added.size - deleted.size);
  await rollBackInStore();
  await beginInStore();
});

test('a migration under load that is killed at random loses nobody', async () => {
  let state = 'none';
  let kills = 0;
  let partial = 0;
  for (; state !== 'moved'; kills++) {
    await start();
    const load = underLoad(added, deleted, `${kills}`);
    load.catch(() => {});
    const isLast = kills >= KILLS;
    if (isLast) await untilMoved();
    else await sleep(Math.random() * LONGEST_LIFE_MS);
    state = isLast ? 'moved' : 'moving';
    await kill();
    await load;
    const { moved, faces } = await checked();
    if (moved > 0 && moved < faces) partial++;
  }
  assert.ok(partial > 0, 'no kill came amid the migration');
  await start();
  const { from, faces } = await migrate('--status');
  assert.equal(from.version, 'next');
  const own = [...added.keys()].filter((faceId) => !deleted.has(faceId));
  for (const [i, { faceId }] of searches.entries()) {
    const found = await search(probes[i]);
    const isSame = found.faceId === faceId || added.get(found.faceId ?? '') === i;
    assert.ok(isSame, `person ${i} is lost`);
  }
  for (const faceId of own) {
    const { matches } = await call('POST', 'face/search-by-id', undefined, { collectionId, faceId });
    assert.ok(matches && matches.length > 0, `${faceId} is lost`);
  }
  assert.ok(faces >= searches.length + MIXES + own.length - deleted.size);
  await migrate('--finish');
  assert.equal((await migrate('--status')).state, 'none');
  for (const [i] of searches.entries()) await search(probes[i]);
  await child.stop();
  assert.equal((await checked()).version, 'next');
});

/** Enlarges the collection, so that a migration outlives a service, and begins one. */
async function addMixes(): Promise<void> {
  const store = Store.open(folder.path);
  const owner = { accountId: store.accounts.first().accountId, environment: 'live' } as const;
  const box = { x: 0, y: 0, width: 100, height: 100 };
  const face = { box, confidence: 1, createdAt: 1, pack: 'faceplugin', packVersion: '2' };
  const mixes = faceMixes();
  const { searchSpace } = await openModelPack('faceplugin', face.packVersion);
  const space = openSearchSpace(searchSpace ?? 512);
  const adding = Array.from({ length: MIXES }, (_, i) => {
    const row = space.row(mixes[i % mixes.length] as Float32Array);
    return store.faces.add(owner, collectionId, face, row);
  });
  await Promise.all(adding);
  await store.close();
  await beginInStore();
}

/** Before the service starts, which would move faces meanwhile. */
async function beginInStore(): Promise<void> {
  const store = Store.open(folder.path);
  const to = { pack: 'faceplugin', packVersion: 'next' };
  await store.migrations.start(
    [store.accounts.first().accountId, 'live', collectionId],
    to,
    false,
    Date.now(),
  );
  await store.close();
}

async function pauseInStore(): Promise<void> {
  const store = Store.open(folder.path);
  await store.migrations.pause([store.accounts.first().accountId, 'live', collectionId]);
  await store.close();
}

async function rollBackInStore(): Promise<void> {
  const store = Store.open(folder.path);
  await store.migrations.rollBack([store.accounts.first().accountId, 'live', collectionId]);
  await store.close();
}

async function underLoad(added: Map<string, number>, deleted: Set<string>, round: string): Promise<void> {
  try {
    for (let i = 0; ; i++) {
      const person = i % probes.length;
      const image = probes[person] as Buffer;
      const name = `${round}-${i}`;
      const enrolled = await call(
        'POST',
        `face/enroll?collectionId=${collectionId}&externalKey=${name}`,
        image,
      );
      added.set(enrolled.faceId as string, person);
      assert.ok((await search(image)).similarity > 0);
      if (i % 3 === 0) {
        const faceId = enrolled.faceId as string;
        deleted.add(faceId);
        await call('DELETE', `face/delete?collectionId=${collectionId}&faceId=${faceId}`);
      }
    }
  } catch (error) {
    if (!isKilled) throw error;
  }
}

async function untilMoved(): Promise<void> {
  for (;;) {
    const { stdout } = await visagectl(['collections', 'list', '--json'], { VISAGE_DATA_DIR: folder.path });
    if (JSON.parse(stdout).collections[0].model === 'faceplugin next') return;
    await sleep(200);
  }
}

async function checked(): Promise<{ version: string; faces: number; moved: number }> {
  const store = Store.open(folder.path);
  await store.garbageCollected();
  assert.deepEqual(store.check(), []);
  const { accountId } = store.accounts.first();
  const place = store.migrations.place([accountId, 'live', collectionId]);
  await store.close();
  assert.ok(place);
  return {
    version: place.collection.packVersion,
    faces: place.faces,
    moved: place.rows.second?.faces ?? 0,
  };
}
