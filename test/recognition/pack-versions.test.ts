import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createExecutor } from '../../src/native/executor.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { openServedPacks } from '../../src/vision/pack-versions.ts';
import { Recognizer } from '../../src/vision/recognizer.ts';
import { TestService } from '../../testing/recognition-service.ts';
import { differentPeople } from '../../testing/sample-faces.ts';
import { OLD_VERSION, secondPack } from '../../testing/second-pack.ts';

/** Halves every similarity below 100. */
const STRICTER = [
  [-1, 0],
  [0.99, 50],
  [1, 100],
] as const;

const pack = secondPack('second', () => ({ version: 'new', calibration: { points: STRICTER } }));
const old = { pack: 'second', packVersion: OLD_VERSION };
let service: TestService;
let people: Buffer[];

before(async () => {
  people = await differentPeople();
  service = await TestService.open([pack.folder], [[pack.folder, OLD_VERSION]]);
  const collection = { collectionId: 'old', description: null, now: 1, ...old };
  await service.store.collections.create(service.caller(), collection);
});
after(async () => {
  await service.close();
  pack.remove();
});

describe('A collection of an older version of its pack', () => {
  test('indexes and finds faces by the old scale, also after a restart', async () => {
    const [person, other] = people as [Buffer, Buffer];
    await service.call('createCollection', { collectionId: 'new' });
    const search = async (collectionId: string) =>
      (await service.call('searchFace', { collectionId, faceMatchThreshold: 0 }, { image: other }))
        .similarity;
    for (const collectionId of ['old', 'new']) {
      await service.call('indexFace', { collectionId }, { image: person });
    }
    const before = await search('old');
    await service.restart();
    assert.equal(service.faceCount('old'), 1);
    assert.equal(await search('old'), before);
    assert.ok((await search('new')) < before);
  });

  test('counts in the list of models, while new collections get the newest version', async () => {
    const { models } = await service.call('listModels', {});
    const [{ version, collectionCount, olderVersions }] = models;
    assert.deepEqual({ version, collectionCount }, { version: 'new', collectionCount: 2 });
    assert.deepEqual(olderVersions, [{ version: OLD_VERSION, collectionCount: 1 }]);
  });

  test('gets the newest version with a reset', async () => {
    await service.call('resetCollection', { collectionId: 'old' });
    const [{ olderVersions }] = (await service.call('listModels', {})).models;
    assert.deepEqual(olderVersions, [{ version: OLD_VERSION, collectionCount: 0 }]);
  });
});

describe('The served packs', () => {
  const served = async (used: { pack: string; packVersion: string }[]) => {
    const faults: string[] = [];
    const { newest, older } = await openServedPacks(['faceplugin', pack.folder], used, (fault) =>
      faults.push(`${fault.pack} ${fault.packVersion}`),
    );
    const names = (packs: typeof newest) => packs.map(({ name, version }) => `${name} ${version}`);
    return { newest: names(newest).slice(2), older: names(older), faults };
  };

  test('are the configured ones alone where no collection uses another', async () => {
    assert.deepEqual(await served([{ pack: 'second', packVersion: 'new' }]), {
      newest: [],
      older: [],
      faults: [],
    });
  });

  test('hold used versions, and used packs of the models folder in the newest version too', async () => {
    const { version } = await openModelPack('yunet');
    assert.deepEqual(await served([old, { pack: 'yunet', packVersion: '1' }]), {
      newest: [`yunet ${version}`],
      older: [`second ${OLD_VERSION}`, 'yunet 1'],
      faults: [],
    });
  });

  test('lack unknown packs and versions, and paths', async () => {
    const unknown = [
      { pack: 'second', packVersion: '7' },
      { pack: 'second', packVersion: '../versions/0.9' },
      { pack: 'gone', packVersion: '1' },
      { pack: pack.folder, packVersion: 'new' },
    ];
    const faults = unknown.map((each) => `${each.pack} ${each.packVersion}`);
    assert.deepEqual(await served(unknown), { newest: [], older: [], faults });
  });
});

test('versions that differ in settings only share a pipeline', async () => {
  const third = secondPack('third', () => ({ version: 'new' }));
  const executor = createExecutor({ threads: 1, maxQueue: 8 });
  try {
    const [newest, older] = await Promise.all([
      openModelPack(third.folder),
      openModelPack(third.folder, OLD_VERSION),
    ]);
    const loaded = await Recognizer.load(newest, executor);
    third.remove();
    await Recognizer.load(older, executor, undefined, [loaded]);
    await assert.rejects(Recognizer.load(older, executor), /fr_detect/);
    const { pipeline } = older;
    const finer = { ...pipeline, detector: { ...pipeline.detector, scoreThreshold: 0.5 } };
    await assert.rejects(Recognizer.load({ ...older, pipeline: finer }, executor, undefined, [loaded]));
  } finally {
    await executor.close();
  }
});
