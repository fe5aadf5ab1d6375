import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CollectionPlace, MigrationView } from '../../src/api/migrations.ts';
import { TestService } from '../../testing/recognition-service.ts';
import { differentPeople } from '../../testing/sample-faces.ts';
import { OLD_VERSION, secondPack } from '../../testing/second-pack.ts';

const STRICTER = [
  [-1, 0],
  [0.9, 50],
  [1, 100],
] as const;
const SETTINGS = 'settings';
const NETWORK = 'network';
const LIVE = 6;
const OTHER = 7;
const DEADLINE_MS = 30_000;

const settings = secondPack(SETTINGS, () => ({ version: 'new', calibration: { points: STRICTER } }));
const network = secondPack(NETWORK, ({ embedder }) => ({
  version: 'new',
  embedder: { ...embedder, views: [{ context: 1, mirrored: false }] },
}));

let service: TestService;
let people: Buffer[];
let again: Buffer[];
let collections = 0;
let collectionId: string;

before(async () => {
  const packs = [settings.folder, network.folder];
  service = await TestService.open(
    packs,
    packs.map((folder) => [folder, OLD_VERSION] as const),
  );
  [people, again] = await Promise.all([differentPeople(224), differentPeople(160)]);
});
after(async () => {
  await service.close();
  settings.remove();
  network.remove();
});
beforeEach(() => {
  collectionId = `c${++collections}`;
});

const place = (): CollectionPlace => {
  const { accountId, environment } = service.caller();
  return { accountId, environment, collectionId };
};

async function create(pack: string, storeThumbnails = false): Promise<void> {
  const old = { pack, packVersion: OLD_VERSION };
  const settings = { collectionId, description: null, storeThumbnails, now: 1, ...old };
  await service.store.collections.create(service.caller(), settings);
}

const enroll = (i: number): Promise<{ faceId: string }> =>
  service.call('enrollFace', { collectionId, externalKey: `k${i}` }, { image: people[i] as Buffer });

const search = (image: Buffer | undefined, faceMatchThreshold = 0) =>
  service.call('searchFace', { collectionId, faceMatchThreshold }, { image: image as Buffer });

async function view(): Promise<MigrationView> {
  const found = (await service.migrator.list()).find((each) => each.collectionId === collectionId);
  assert.ok(found);
  return found;
}

async function until(isDone: (now: MigrationView) => boolean): Promise<MigrationView> {
  for (const began = Date.now(); ; await sleep(20)) {
    const now = await view();
    if (isDone(now)) return now;
    assert.ok(Date.now() - began < DEADLINE_MS, JSON.stringify(now));
  }
}

const isMoved = ({ state }: MigrationView) => state === 'moved';
const begin = (sightings = false) => service.migrator.begin(place(), { sightings });
const actions = () =>
  service.audited.filter((entry) => entry.collectionId === collectionId).map(({ action }) => action);

describe('A migration between versions with equal networks', () => {
  test('moves every face without an image, and changes the scores only at the switch', async () => {
    await create(SETTINGS);
    const faces = [];
    for (const i of [0, 1, 2]) faces.push(await enroll(i));
    const old = await search(again[1]);
    await begin();
    await until(isMoved);
    const now = await search(again[1]);
    assert.equal(now.faceId, faces[1]?.faceId);
    assert.equal(now.externalKey, 'k1');
    assert.ok(now.similarity < old.similarity, `${now.similarity} of ${old.similarity}`);
    assert.equal(service.faceCount(collectionId), 3);
    await service.restart();
    assert.deepEqual(await search(again[1]), now);
    assert.equal(service.faceCount(collectionId), 3);
    assert.deepEqual(actions(), ['migration.start', 'migration.switch']);
  });

  test('returns to the old scores with a rollback after the switch, with the faces added since', async () => {
    await create(SETTINGS);
    await enroll(0);
    const old = await search(again[0]);
    await begin();
    await until(isMoved);
    const { faceId } = await enroll(1);
    await service.migrator.rollBack(place());
    assert.deepEqual(await search(again[0]), old);
    assert.equal((await search(again[1])).faceId, faceId);
    assert.equal(service.faceCount(collectionId), 2);
    const { state, from } = await view();
    assert.deepEqual({ state, version: from.version }, { state: 'none', version: OLD_VERSION });
  });

  test('keeps only the new rows after it is finished', async () => {
    await create(SETTINGS);
    await enroll(0);
    await begin();
    await until(isMoved);
    const former = service.store.faces.rowGalleries(service.gallery(collectionId)).second?.gallery as number;
    const now = await search(again[0]);
    await service.migrator.finish(place(), false);
    await service.store.garbageCollected();
    assert.equal(service.store.faces.rowCount(former), 0);
    assert.equal(service.indexes.state(former).isHeld, false);
    assert.deepEqual(await search(again[0]), now);
    await service.restart();
    assert.deepEqual(await search(again[0]), now);
    assert.equal(service.faceCount(collectionId), 1);
    assert.equal((await view()).to, null);
  });

  test('gives faces both rows while it is paused, and forgets both with a face', async () => {
    await create(SETTINGS);
    const first = await enroll(0);
    await begin();
    await service.migrator.rollBack(place());
    await beginPaused();
    const { faceId } = await enroll(1);
    assert.equal((await view()).moved >= 1, true);
    const { faces } = service.store;
    const next = faces.rowGalleries(service.gallery(collectionId)).second?.gallery as number;
    assert.equal(faces.countedRows(next), faces.rowCount(next));
    await service.call('deleteFace', { collectionId, faceId });
    assert.equal((await search(again[1], 80)).faceId, null);
    service.faceCount(collectionId);
    await service.migrator.begin(place(), { sightings: false });
    await until(isMoved);
    assert.equal((await search(again[0])).faceId, first.faceId);
    assert.equal(service.faceCount(collectionId), 1);
  });

  test('ends with a reset of the collection', async () => {
    await create(SETTINGS);
    await enroll(0);
    await begin();
    await service.migrator.pause(place()).catch(() => {});
    await service.call('resetCollection', { collectionId });
    await service.store.garbageCollected();
    const { state, from, faces } = await view();
    assert.deepEqual({ state, version: from.version, faces }, { state: 'none', version: 'new', faces: 0 });
    await enroll(1);
    assert.equal(service.faceCount(collectionId), 1);
  });

  test('refuses the version that the collection has, and a second target', async () => {
    await service.call('createCollection', { collectionId });
    const code = { code: 'VALIDATION_FAILED' };
    await assert.rejects(begin(), code);
    await assert.rejects(service.migrator.finish(place(), false), code);
    await assert.rejects(service.migrator.rollBack(place()), code);
    await assert.rejects(service.migrator.pause(place()), code);
    await assert.rejects(service.migrator.begin(place(), { to: 'gone', sightings: false }), code);
    const elsewhere = { ...place(), collectionId: 'nowhere' };
    await assert.rejects(service.migrator.begin(elsewhere, { sightings: false }), {
      code: 'COLLECTION_NOT_FOUND',
    });
  });
});

async function beginPaused(): Promise<void> {
  await begin();
  await service.migrator.pause(place());
}

describe('A migration between versions with other networks', () => {
  test('embeds kept thumbnails, and names the faces without', async () => {
    await create(NETWORK, true);
    const { faceId } = await enroll(0);
    await service.call('updateCollection', { collectionId, storeThumbnails: false });
    await service.store.garbageCollected();
    await service.call('updateCollection', { collectionId, storeThumbnails: true });
    await enroll(1);
    await begin();
    await until(({ moved }) => moved === 1);
    const [left, ...others] = await service.migrator.left(place());
    assert.deepEqual(others, []);
    assert.deepEqual(left, { faceId, externalKey: 'k0', hasThumbnail: false, isProvisional: false });
    assert.equal((await view()).from.version, OLD_VERSION);
    assert.equal((await search(again[0], 80)).externalKey, 'k0');
    await assert.rejects(service.migrator.finish(place(), false), /1 faces have no row/);
    await service.migrator.finish(place(), true);
    await until(isMoved);
    assert.equal((await search(again[1], 80)).externalKey, 'k1');
    assert.equal(service.faceCount(collectionId), 1);
    assert.ok(actions().includes('face.delete'));
  });

  test('embeds the image of a new face twice', async () => {
    await create(NETWORK);
    await enroll(0);
    await beginPaused();
    await enroll(1);
    assert.equal((await view()).moved, 1);
    await service.restart();
    assert.equal(service.faceCount(collectionId), 2);
    await service.call('deleteFacesOfKeys', { collectionId, externalKeys: ['k1'] });
    assert.equal((await view()).moved, 0);
    assert.equal(service.faceCount(collectionId), 1);
  });
});

describe('Sightings', () => {
  test('move a face with the second live image, not with a copy of the first', async () => {
    await create(NETWORK);
    const { faceId } = await enroll(LIVE);
    await begin(true);
    await search(people[LIVE]);
    await search(people[LIVE]);
    const [left] = await service.migrator.left(place());
    assert.deepEqual(
      { faceId: left?.faceId, isProvisional: left?.isProvisional },
      { faceId, isProvisional: true },
    );
    assert.equal((await view()).moved, 0);
    await search(again[LIVE]);
    await until(isMoved);
    assert.equal((await search(again[LIVE], 80)).faceId, faceId);
    assert.equal(service.faceCount(collectionId), 1);
    const [, sighting, ...rest] = service.audited.filter((entry) => entry.collectionId === collectionId);
    assert.deepEqual(sighting, {
      ...place(),
      actor: { kind: 'key', id: service.caller().key?.id },
      action: 'migration.sighting',
      target: faceId,
    });
    assert.deepEqual(rest.map(({ action }) => action).sort(), ['migration.confirm', 'migration.switch']);
  });

  test('need the operator, the right to add faces, and similarity 95', async () => {
    await create(NETWORK);
    await enroll(LIVE);
    await begin(false);
    const isProvisional = async () => (await service.migrator.left(place()))[0]?.isProvisional;
    await search(people[LIVE]);
    assert.equal(await isProvisional(), false);
    await begin(true);
    const caller = service.caller({ allowedExternalKeys: [`k${LIVE}`] });
    const seen = await service.call(
      'searchFace',
      { collectionId },
      { image: people[LIVE] as Buffer, caller },
    );
    assert.equal(seen.externalKey, `k${LIVE}`);
    assert.equal(await isProvisional(), false);
    await search(people[OTHER]);
    assert.equal(await isProvisional(), false);
    await service.call('searchOrIndexFace', { collectionId }, { image: people[LIVE] as Buffer });
    assert.equal(await isProvisional(), true);
  });

  test('come from verifications and from the largest face of a recognition', async () => {
    await create(NETWORK);
    const { faceId } = await enroll(LIVE);
    await begin(true);
    const isProvisional = async () => (await service.migrator.left(place()))[0]?.isProvisional;
    const other = { image: people[OTHER] as Buffer };
    await service.call('verifyFace', { collectionId, faceId }, other);
    assert.equal(await isProvisional(), false);
    await service.call('verifyFace', { collectionId, faceId }, { image: people[LIVE] as Buffer });
    assert.equal(await isProvisional(), true);
    await service.call('recognizeFaces', { collectionId }, { image: again[LIVE] as Buffer });
    await until(isMoved);
    assert.equal((await search(again[LIVE], 80)).faceId, faceId);
  });

  test('are taken back one by one', async () => {
    await create(NETWORK);
    const { faceId } = await enroll(LIVE);
    await enroll(OTHER);
    await begin(true);
    await search(people[LIVE]);
    await search(again[LIVE]);
    await until(({ moved }) => moved === 1);
    await service.migrator.removeSighting(place(), faceId);
    assert.equal((await view()).moved, 0);
    service.faceCount(collectionId);
    await assert.rejects(service.migrator.removeSighting(place(), faceId), { code: 'FACE_NOT_FOUND' });
  });
});
