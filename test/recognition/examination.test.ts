import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { normals, uniforms } from '../../src/base/random.ts';
import { StoredTemplates } from '../../src/recognition/stored-templates.ts';
import type { QualityRecord } from '../../src/store/records.ts';
import { faceMixes } from '../../testing/face-mixes.ts';
import { type Answer, TestService } from '../../testing/recognition-service.ts';
import { turnsOf } from '../../testing/turns.ts';

const collectionId = 'people';
const DAY_MS = 86_400_000;

let service: TestService;
const strangers = faceMixes();
before(async () => {
  service = await TestService.open();
});
after(() => service.close());
beforeEach(async () => {
  await service.call('deleteCollection', { collectionId });
  await service.call('createCollection', { collectionId, storeThumbnails: true });
});

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

const normal = normals(7);

/** An image of a person: scores about 0.7 with another one. */
function imageOf(person: number): Float32Array {
  const own = strangers[person] as Float32Array;
  const noise = new Float32Array(own.length);
  for (const other of strangers.slice(256)) {
    const weight = normal();
    for (let i = 0; i < noise.length; i++) noise[i] = (noise[i] as number) + weight * (other[i] as number);
  }
  const scaled = unit(noise);
  return unit(own.map((value, i) => value + 0.65 * (scaled[i] as number)));
}

interface Named {
  readonly faceId: string;
}

interface Stored {
  readonly person: number;
  readonly externalKey: string | null;
  readonly quality?: QualityRecord;
  readonly image?: Float32Array;
}

async function add(faces: readonly Stored[]): Promise<string[]> {
  const { packId, space } = service.recognizer;
  const ids: string[] = [];
  for (const { person, externalKey, quality, image = imageOf(person) } of faces) {
    const row = space.row(image);
    const box = { x: 0, y: 0, width: 50, height: 50 };
    const face = { box, confidence: 1, createdAt: service.now, ...packId, ...(quality ? { quality } : {}) };
    const key = externalKey === null ? null : { externalKey, allowDuplicates: true };
    const { gallery, label, faceId } = await service.store.faces.add(
      service.caller(),
      collectionId,
      { ...face, thumbnail: Buffer.from(`crop ${person}`) },
      row,
      key,
    );
    await service.indexes.add(gallery, label, row, space);
    ids.push(faceId);
  }
  return ids;
}

async function examined(more: object = {}): Promise<Answer> {
  await service.call('startExamination', { collectionId });
  for (;;) {
    const report = await service.call('getExamination', { collectionId, ...more });
    if (report.state !== 'waiting' && report.state !== 'running') return report;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const keysOf = (finding: Answer): string[] =>
  finding.groups.map(({ externalKey }: Answer) => externalKey).sort();
const open = (report: Answer, kind: string): Answer[] =>
  report.findings.filter((finding: Answer) => finding.kind === kind);

async function everything(): Promise<unknown> {
  const { faces } = await service.call('listFaces', { collectionId });
  const { people, total } = await service.call('listExternalKeys', { collectionId });
  const gallery = service.gallery(collectionId);
  const stored = service.store.faces.list(gallery, 0, 1000).map(({ label, face }) => ({
    ...{ label, face },
    row: service.store.faces.row({ gallery, label }),
    thumbnail: service.store.thumbnails.get({ gallery, label })?.toString(),
  }));
  service.faceCount(collectionId);
  return { faces, people, total, stored, counts: service.store.faces.counts(gallery) };
}

/** 200 people; of some of them faces under two keys, or two people under one key. */
async function plant(seed: number) {
  const uniform = uniforms(seed);
  const faces: Stored[] = [];
  const duplicates: string[] = [];
  const mixed: string[] = [];
  for (let person = 0; person < 220; person++) {
    const count = 1 + Math.floor(3 * uniform());
    for (let i = 0; i < count; i++) faces.push({ person, externalKey: `person-${person}` });
    if (person < 20) {
      duplicates.push([`again-${person}`, `person-${person}`].join());
      faces.push({ person, externalKey: `again-${person}` });
    } else if (person < 40) {
      mixed.push(`person-${person}`);
      faces.push({ person: 220 + person - 20, externalKey: `person-${person}` });
    }
  }
  await add(faces);
  return { duplicates, mixed };
}

describe('An examination', () => {
  test('finds nearly all planted faults and proposes almost nothing else', async () => {
    const { duplicates, mixed } = await plant(1);
    const report = await examined();
    assert.equal(report.state, 'done');
    const merges = open(report, 'duplicate').map((finding) => keysOf(finding).join());
    const splits = open(report, 'mixed').map((finding) => finding.groups[0].externalKey);
    for (const [found, planted] of [
      [merges, duplicates],
      [splits, mixed],
    ] as const) {
      const right = found.filter((each) => planted.includes(each)).length;
      assert.ok(right >= 0.95 * planted.length, `${right} of ${planted.length}`);
      assert.ok(found.length - right <= 0.05 * found.length, `${found.length - right} wrong`);
    }
    assert.equal(report.counts.duplicate, merges.length);
    assert.equal(report.people, 240);
  });

  test('finds nothing wrong where nothing is', async () => {
    await add(Array.from({ length: 120 }, (_, i) => ({ person: i % 60, externalKey: `person-${i % 60}` })));
    const { counts } = await examined();
    assert.deepEqual([counts.duplicate, counts.mixed, counts['low-quality']], [0, 0, 0]);
  });

  test('judges a handful of people by the calibration of the model pack', async () => {
    const people = ['a', 'b', 'c', 'd'].map((externalKey, person) => ({ person, externalKey }));
    await add([...people, ...people.map((each) => ({ ...each })), { person: 2, externalKey: 'again' }]);
    const report = await examined();
    assert.deepEqual(open(report, 'duplicate').map(keysOf), [['again', 'c']]);
    assert.equal(report.counts.mixed, 0);
  });

  test('judges relatives by their own scores, which the calibration would take for those of one person', async () => {
    const common = strangers[255] as Float32Array;
    const relative = (person: number) =>
      imageOf(person).map((value, i) => value + 1.4 * (common[i] as number));
    const people = Array.from({ length: 60 }, (_, person) => ({
      person,
      externalKey: `person-${person}`,
      image: unit(relative(person)),
    }));
    await add(people);
    assert.equal((await examined()).counts.duplicate, 0);
    await service.call('resetCollection', { collectionId });
    await add(people.slice(0, 15));
    assert.ok((await examined()).counts.duplicate > 0);
  });

  test('joins all keys of one person, and faces without a key', async () => {
    const others = Array.from({ length: 60 }, (_, i) => ({ person: i + 1, externalKey: `person-${i + 1}` }));
    const keys = ['anna', 'anna', 'ann', 'anne', null];
    await add([...others, ...keys.map((externalKey) => ({ person: 0, externalKey }))]);
    const [finding, ...more] = open(await examined(), 'duplicate');
    assert.deepEqual(more, []);
    assert.deepEqual(new Set(keysOf(finding)), new Set([null, 'ann', 'anna', 'anne']));
    assert.ok(finding.groups.every(({ newExternalKey }: Answer) => newExternalKey === 'anna'));
  });

  test('sends a misfiled face to the key of its person', async () => {
    const others = Array.from({ length: 80 }, (_, i) => ({
      person: i % 40,
      externalKey: `person-${i % 40}`,
    }));
    await add([...others, { person: 3, externalKey: 'person-5' }]);
    const report = await examined();
    const [finding, ...more] = open(report, 'mixed');
    assert.deepEqual(more, []);
    assert.deepEqual(
      finding.groups.map(({ newExternalKey, faceCount }: Answer) => [newExternalKey, faceCount]),
      [
        ['person-5', 2],
        ['person-3', 1],
      ],
    );
    assert.deepEqual(open(report, 'duplicate'), []);
  });

  test('lists poor faces, the worst first, in pages of a kind', async () => {
    const quality = (score: number) => ({ quality: { score, reasons: ['LOW_SHARPNESS'] } });
    const scores = [90, 12, 24, 25, 3];
    await add(scores.map((score, i) => ({ person: i, externalKey: `p-${i}`, ...quality(score) })));
    const page = await examined({ kind: 'low-quality', limit: 2 });
    assert.deepEqual(
      page.findings.map((finding: Answer) => finding.quality.score),
      [3, 12],
    );
    const { nextCursor } = page;
    const last = await service.call('getExamination', {
      collectionId,
      kind: 'low-quality',
      cursor: nextCursor,
    });
    assert.deepEqual(
      last.findings.map((finding: Answer) => finding.quality.score),
      [24],
    );
    assert.equal(last.nextCursor, null);
  });

  test('lists fewer findings in a page if their external keys are long', async () => {
    const named = (i: number) => `${i}-${'x'.repeat(500)}`;
    await add(Array.from({ length: 300 }, (_, i) => ({ person: i % 150, externalKey: named(i) })));
    const first = await examined({ kind: 'duplicate' });
    const found: Answer[] = [];
    for (let page = first, pages = 0; ; pages++) {
      const text = page.findings.flatMap(keysOf).join('').length;
      assert.ok(text < 400_000, `${text} characters in a page`);
      found.push(...page.findings);
      if (page.nextCursor === null) {
        assert.ok(pages > 0, 'the findings are in several pages');
        break;
      }
      page = await service.call('getExamination', {
        ...{ collectionId, kind: 'duplicate', cursor: page.nextCursor },
      });
    }
    assert.equal(new Set(found.map(({ findingId }) => findingId)).size, first.counts.duplicate);
  });

  test('starts with the first read, and ends with the collection', async () => {
    assert.equal((await service.call('getExamination', { collectionId })).state, 'done');
    await add(Array.from({ length: 500 }, (_, i) => ({ person: i % 250, externalKey: `person-${i % 250}` })));
    await service.call('startExamination', { collectionId });
    await service.call('resetCollection', { collectionId });
    const after = await service.call('getExamination', { collectionId });
    assert.deepEqual([after.state, after.faces, after.findings], ['done', 0, []]);
  });

  test('lets other work run while it compares a sample of strangers', async () => {
    const { space } = service.recognizer;
    const rows = Array.from({ length: 300 }, (_, i) =>
      space.row(strangers[i % strangers.length] as Float32Array),
    );
    const templates = new StoredTemplates(service.store.faces, service.gallery(collectionId), space);
    const turns = await turnsOf(async () => {
      const { size, scores } = await templates.scoresAmong(rows);
      assert.deepEqual([size, scores.length], [300, 300 * 300]);
    });
    assert.ok(turns > 2, `${turns} turns`);
  });

  test('compares the mean of one face as a row, though the store holds an unconverted template', () => {
    const { space } = service.recognizer;
    const template = strangers[0] as Float32Array;
    const faces = {
      row: () => Buffer.from(Float32Array.from(template).buffer),
      rowGalleries: () => ({ current: 1 }),
    };
    const templates = new StoredTemplates(faces as never, 1, space);
    assert.deepEqual(Buffer.from(templates.mean([1]) ?? []), Buffer.from(space.row(template)));
  });

  test('of an account with many waits for no other of them, and outlives their reports', async () => {
    await add([{ person: 1, externalKey: 'anna' }]);
    const other = { caller: service.caller({ accountId: 'acc_other' } as never) };
    const names = Array.from({ length: 80 }, (_, i) => `c-${i}`);
    for (const name of names) await service.call('createCollection', { collectionId: name }, other);
    const started = names
      .slice(0, 9)
      .map((name) => service.code('startExamination', { collectionId: name }, other));
    assert.equal((await Promise.all(started))[8], 'OVERLOADED');
    await service.call('startExamination', { collectionId });
    const { endedAt } = await examined();
    const last = await service.call('getExamination', { collectionId: 'c-7' }, other);
    assert.ok(last.endedAt === null || last.endedAt >= endedAt);
    for (const name of names) {
      while (
        /waiting|running/.test((await service.call('getExamination', { collectionId: name }, other)).state)
      );
    }
    const again = await service.call('getExamination', { collectionId });
    assert.deepEqual([again.state, again.faces, again.endedAt], ['done', 1, endedAt]);
  });

  test('is refused to a caller limited to some faces, and unknown to another account', async () => {
    const limited = { caller: service.caller({ allowedExternalKeys: ['anna'] }) };
    const foreign = { caller: service.caller({ accountId: 'acc_other' } as never) };
    const finding = { findingId: 'fnd_00000000000000000000000000' };
    for (const [operation, more] of [
      ['getExamination', {}],
      ['startExamination', {}],
      ['applyProposal', finding],
      ['undoProposal', finding],
      ['dismissFinding', finding],
      ['restoreFinding', finding],
    ] as const) {
      const parameters = { collectionId, ...more };
      assert.equal(await service.code(operation, parameters, limited), 'FACE_NOT_ALLOWED');
      assert.equal(await service.code(operation, parameters, foreign), 'COLLECTION_NOT_FOUND');
    }
  });
});

async function faulty(): Promise<string[]> {
  const others = Array.from({ length: 60 }, (_, i) => ({ person: i + 4, externalKey: `person-${i + 4}` }));
  return add([
    { person: 0, externalKey: 'anna' },
    { person: 0, externalKey: 'anna' },
    { person: 0, externalKey: 'ann' },
    { person: 1, externalKey: 'mixed' },
    { person: 1, externalKey: 'mixed' },
    { person: 2, externalKey: 'mixed' },
    { person: 3, externalKey: 'poor', quality: { score: 5, reasons: ['LOW_LIGHT'] } },
    ...others,
  ]);
}

describe('A dismissed finding', () => {
  const finding = async (kind: string): Promise<Answer> => open(await examined(), kind)[0];
  const change = (operation: 'dismissFinding' | 'restoreFinding', { findingId }: Answer) =>
    service.call(operation, { collectionId, findingId });
  const code = (operation: string, { findingId }: Answer) =>
    service.code(operation, { collectionId, findingId });
  const states = async (kind: string): Promise<string[]> =>
    open(await examined(), kind).map(({ state }) => state);

  for (const kind of ['duplicate', 'mixed', 'low-quality']) {
    test(`stays so in later examinations until it is restored: ${kind}`, async () => {
      await faulty();
      const found = await finding(kind);
      await change('dismissFinding', found);
      await change('dismissFinding', found);
      const same = open(await service.call('getExamination', { collectionId }), kind)[0];
      assert.deepEqual([same.findingId, same.state], [found.findingId, 'dismissed']);
      await service.restart();
      const later = await examined();
      assert.equal(open(later, kind)[0].state, 'dismissed');
      assert.deepEqual([later.counts[kind], later.dismissed[kind]], [0, 1]);
      await change('restoreFinding', open(later, kind)[0]);
      assert.equal(await code('restoreFinding', open(later, kind)[0]), 'NOT_FOUND');
      const last = await examined();
      assert.equal(open(last, kind)[0].state, 'open');
      assert.deepEqual([last.counts[kind], last.dismissed[kind]], [1, 0]);
    });
  }

  test('comes after the open ones of its kind', async () => {
    const { duplicates } = await plant(1);
    const found = await finding('duplicate');
    await change('dismissFinding', found);
    const all = await states('duplicate');
    assert.ok(all.length > duplicates.length / 2);
    assert.deepEqual([all.indexOf('dismissed'), all.at(-1)], [all.length - 1, 'dismissed']);
  });

  test('survives new faces of two people, and is open again after one of a mixed key', async () => {
    await faulty();
    const report = await examined();
    for (const kind of ['duplicate', 'mixed']) await change('dismissFinding', open(report, kind)[0]);
    await add([
      { person: 0, externalKey: 'ann' },
      { person: 2, externalKey: 'mixed' },
    ]);
    assert.deepEqual(await states('duplicate'), ['dismissed']);
    assert.deepEqual(await states('mixed'), ['open']);
  });

  const ends: Readonly<Record<string, (found: Answer) => Promise<unknown>>> = {
    deleted: () => service.call('deleteFace', { collectionId, externalKey: 'ann' }),
    renamed: async () => {
      await service.call('renameExternalKey', { collectionId, externalKey: 'ann', newExternalKey: 'x' });
      await service.call('renameExternalKey', { collectionId, externalKey: 'x', newExternalKey: 'ann' });
    },
    'merged, and the merge undone,': async (found) => {
      await service.call('applyProposal', { collectionId, findingId: found.findingId });
      await service.call('undoProposal', { collectionId, findingId: found.findingId });
    },
  };
  for (const [what, end] of Object.entries(ends)) {
    test(`is open again once one of its external keys was ${what}`, async () => {
      await faulty();
      const found = await finding('duplicate');
      await change('dismissFinding', found);
      await end(found);
      if (what === 'deleted') await add([{ person: 0, externalKey: 'ann' }]);
      assert.deepEqual(await states('duplicate'), ['open']);
    });
  }

  test('is refused once its faces have other external keys', async () => {
    await faulty();
    const found = await finding('duplicate');
    await service.call('renameExternalKey', { collectionId, externalKey: 'ann', newExternalKey: 'anne' });
    assert.equal(await code('dismissFinding', found), 'PRECONDITION_FAILED');
    assert.equal(await code('dismissFinding', { findingId: `fnd_${'0'.repeat(26)}` }), 'NOT_FOUND');
  });

  test('is forgotten with its collection', async () => {
    await faulty();
    const report = await examined();
    for (const each of report.findings) await change('dismissFinding', each);
    await service.call('resetCollection', { collectionId });
    await service.store.garbageCollected();
    assert.deepEqual(service.store.check(), []);
    await faulty();
    assert.deepEqual(await states('duplicate'), ['open']);
  });

  test('may be of look-alikes', async () => {
    await service.call('updateCollection', { collectionId, faceMatchThreshold: 2 });
    await add(Array.from({ length: 40 }, (_, person) => ({ person, externalKey: `person-${person}` })));
    const found = await finding('look-alike');
    await change('dismissFinding', found);
    assert.equal((await states('look-alike')).filter((state) => state === 'dismissed').length, 1);
  });
});

describe('A proposal', () => {
  const finding = async (kind: string): Promise<Answer> => open(await examined(), kind)[0];
  const change = (operation: 'applyProposal' | 'undoProposal', { findingId }: Answer) =>
    service.call(operation, { collectionId, findingId });
  const code = (operation: 'applyProposal' | 'undoProposal', { findingId }: Answer) =>
    service.code(operation, { collectionId, findingId });
  const faces = async () => (await service.call('listFaces', { collectionId })).faces as Answer[];
  const facesOf = async (externalKey: string): Promise<string[]> =>
    (await service.call('getFaceIds', { collectionId, externalKey })).faceIds;

  for (const kind of ['duplicate', 'mixed', 'low-quality']) {
    test(`of a ${kind} finding is applied, and undone exactly, also after a restart`, async () => {
      const ids = await faulty();
      const before = await everything();
      const found = await finding(kind);
      assert.equal(found.state, 'open');
      const { undoUntil } = await change('applyProposal', found);
      assert.equal(Date.parse(undoUntil), service.now + 7 * DAY_MS);
      if (kind === 'duplicate') {
        assert.deepEqual(await facesOf('anna'), ids.slice(0, 3));
        assert.deepEqual(await facesOf('ann'), []);
      } else if (kind === 'mixed') {
        assert.deepEqual(await facesOf('mixed'), ids.slice(3, 5));
        assert.deepEqual(await facesOf('mixed.2'), ids.slice(5, 6));
      } else assert.ok(!(await faces()).some(({ faceId }) => faceId === ids[6]));
      assert.notDeepEqual(await everything(), before);
      const report = await service.call('getExamination', { collectionId });
      const [shown] = report.findings.filter(({ findingId }: Answer) => findingId === found.findingId);
      assert.equal(shown.state, 'applied');
      assert.equal(await code('applyProposal', found), 'PRECONDITION_FAILED');
      await service.restart();
      const { applied } = await service.call('getExamination', { collectionId });
      assert.deepEqual(
        applied.map((each: Answer) => [each.findingId, each.kind]),
        [[found.findingId, kind]],
      );
      await change('undoProposal', found);
      assert.deepEqual(await everything(), before);
      assert.equal(await code('undoProposal', found), 'NOT_FOUND');
    });
  }

  test('that removes a face hides it from searches until it is undone', async () => {
    const ids = await faulty();
    const found = await finding('low-quality');
    const gallery = service.gallery(collectionId);
    const probe = service.recognizer.space.row(imageOf(3));
    const nearest = async () => {
      const [first] = await service.indexes.search(gallery, probe, 1);
      return first && service.store.faces.get({ gallery, label: first.label })?.faceId;
    };
    assert.equal(await nearest(), ids[6]);
    await change('applyProposal', found);
    assert.notEqual(await nearest(), ids[6]);
    await change('undoProposal', found);
    assert.equal(await nearest(), ids[6]);
  });

  test('is refused once the faces have changed', async () => {
    const ids = await faulty();
    const report = await examined();
    const [merge, split] = [open(report, 'duplicate')[0], open(report, 'mixed')[0]];
    await add([{ person: 0, externalKey: 'anna' }]);
    await service.call('deleteFace', { collectionId, faceId: ids[5] });
    const before = await everything();
    for (const each of [merge, split]) assert.equal(await code('applyProposal', each), 'PRECONDITION_FAILED');
    assert.deepEqual(await everything(), before);
    const now = await service.call('getExamination', { collectionId });
    assert.equal(open(now, 'mixed')[0].state, 'outdated');
  });

  test('is not undone once the faces have changed', async () => {
    await faulty();
    const report = await examined();
    const [merge, split] = [open(report, 'duplicate')[0], open(report, 'mixed')[0]];
    await change('applyProposal', merge);
    await change('applyProposal', split);
    await add([
      { person: 0, externalKey: 'anna' },
      { person: 1, externalKey: 'mixed' },
    ]);
    const before = await everything();
    for (const each of [merge, split]) assert.equal(await code('undoProposal', each), 'PRECONDITION_FAILED');
    assert.deepEqual(await everything(), before);
  });

  test('can be undone for seven days', async () => {
    await faulty();
    const found = await finding('low-quality');
    await change('applyProposal', found);
    service.now += 7 * DAY_MS;
    assert.equal(await code('undoProposal', found), 'NOT_FOUND');
    assert.deepEqual((await service.call('getExamination', { collectionId })).applied, []);
    assert.equal(service.store.proposals.has(service.gallery(collectionId), found.findingId), false);
  });

  test('can be undone until 1,000 later ones of the collection are applied', async () => {
    const gallery = service.gallery(collectionId);
    const { proposals } = service.store;
    const apply = (findingId: string) => {
      const nothing = { faces: [], keys: [], others: [], moves: [], removed: [] };
      const proposal = { findingId, kind: 'duplicate', gallery, ...nothing };
      return proposals.apply(service.caller(), collectionId, proposal, service.now);
    };
    const ids = Array.from({ length: 1003 }, (_, i) => `fnd_${String(i).padStart(26, '0')}`);
    await Promise.all(ids.map(apply));
    const left = await proposals.list(gallery, service.now);
    assert.equal(left.length, 1000);
    assert.deepEqual(
      ids.filter((id) => !proposals.has(gallery, id)),
      ids.slice(0, 3),
    );
    assert.equal((await service.call('getExamination', { collectionId })).applied.length, 1000);
    await proposals.expire(gallery, service.now + 7 * DAY_MS);
    assert.deepEqual(await proposals.list(gallery, service.now), []);
    assert.deepEqual(service.store.check(), []);
  });

  test('is listed without its external keys behind newer ones with many long keys', async () => {
    const gallery = service.gallery(collectionId);
    for (let i = 0; i < 40; i++) {
      service.now++;
      await service.store.proposals.apply(
        service.caller(),
        collectionId,
        {
          ...{ findingId: `fnd_${String(i).padStart(26, '0')}`, kind: 'duplicate', gallery },
          ...{ faces: [], others: [], moves: [], removed: [] },
          keys: Array.from({ length: 20 }, (_, k) => ({
            externalKey: `${k}-${'x'.repeat(500)}`,
            labels: [],
          })),
        },
        service.now,
      );
    }
    const { applied } = await service.call('getExamination', { collectionId });
    const counts = applied.map(({ externalKeys }: Answer) => externalKeys.length);
    assert.deepEqual([counts.length, counts[0], counts.at(-1)], [40, 16, 0]);
    assert.ok(applied.flatMap(({ externalKeys }: Answer) => externalKeys).join('').length < 260_000);
  });

  test('is forgotten with the faces, keys and collection in it', async () => {
    const ids = await faulty();
    const report = await examined();
    const [merge, split, poor] = ['duplicate', 'mixed', 'low-quality'].map((kind) => open(report, kind)[0]);
    for (const each of [merge, split, poor]) await change('applyProposal', each);
    const gallery = service.gallery(collectionId);
    const kept = async () =>
      (await service.store.proposals.list(gallery, service.now)).map(({ findingId }) => findingId);
    assert.equal((await kept()).length, 3);
    await service.call('deleteFace', { collectionId, externalKey: 'poor' });
    assert.ok(!(await kept()).includes(poor.findingId));
    await service.call('deleteFace', { collectionId, faceId: ids[2] });
    assert.deepEqual(await kept(), [split.findingId]);
    await service.call('resetCollection', { collectionId });
    await service.store.garbageCollected();
    assert.deepEqual(await kept(), []);
    assert.deepEqual(service.store.check(), []);
  });

  test('that removed a face is forgotten when the face is deleted by its id', async () => {
    const ids = await faulty();
    for (const operation of ['deleteFace', 'deleteFaces']) {
      const found = await finding('low-quality');
      await change('applyProposal', found);
      const limited = { caller: service.caller({ allowedExternalKeys: ['poor'] }) };
      const which = { collectionId, faceId: ids[6] };
      assert.equal(await service.code('deleteFace', which, limited), 'FACE_NOT_FOUND');
      if (operation === 'deleteFace') await service.call(operation, which);
      else await service.call(operation, { collectionId, faceIds: ids.slice(6, 7) });
      assert.equal(await code('undoProposal', found), 'NOT_FOUND');
      ids[6] = (
        await add([{ person: 3, externalKey: 'poor', quality: { score: 5, reasons: [] } }])
      )[0] as string;
    }
  });

  test('is forgotten in small transactions if hundreds name the deleted face or key', async () => {
    const gallery = service.gallery(collectionId);
    const { proposals, faces: stored } = service.store;
    const ids = Array.from({ length: 300 }, (_, i) => `fnd_${String(i).padStart(26, '0')}`);
    const byFace = ({ faceId }: Named) => ({ collectionId, faceId });
    const byKey = { collectionId, externalKey: 'busy' };
    const changes: readonly (readonly [
      operation: string,
      parameters: (face: Named) => Record<string, unknown>,
    ])[] = [
      ['deleteFace', byFace],
      ['deleteFace', () => byKey],
      ['deleteFaces', ({ faceId }) => ({ collectionId, faceIds: [faceId] })],
      ['deleteFacesOfKeys', () => ({ collectionId, externalKeys: ['busy'] })],
      ['setExternalKey', ({ faceId }) => ({ collectionId, faceId, externalKey: 'idle' })],
      ['renameExternalKey', () => ({ ...byKey, newExternalKey: 'idle', merge: true })],
      ['deleteExternalKey', () => byKey],
      ['deleteExternalKey', (face) => ({ ...byKey, ...byFace(face) })],
    ];
    for (const [operation, parameters] of changes) {
      const [faceId] = (await add([{ person: 0, externalKey: 'busy' }])) as [string];
      const { label } = stored.byId(gallery, faceId) as { label: number };
      const keys = [{ externalKey: 'busy', labels: [label] }];
      const nothing = { kind: 'duplicate', gallery, faces: [], others: [], moves: [], removed: [] };
      const applying = ids.map((findingId) =>
        proposals.apply(service.caller(), collectionId, { ...nothing, findingId, keys }, service.now),
      );
      await Promise.all(applying);
      const seen = new Set<number>();
      let isOver = false;
      const look = () => {
        seen.add(ids.filter((id) => proposals.has(gallery, id)).length);
        if (!isOver) setImmediate(look);
      };
      look();
      await service.call(operation, parameters({ faceId }));
      isOver = true;
      assert.ok(seen.size >= 4, `${operation}: ${[...seen]} proposals in sight`);
      assert.deepEqual(
        ids.filter((id) => proposals.has(gallery, id)),
        [],
      );
      await service.call('deleteFace', { collectionId, faceId }).catch(() => {});
    }
    assert.deepEqual(service.store.check(), []);
  });

  test('loses the image of a removed face when the collection keeps no more', async () => {
    await faulty();
    const found = await finding('low-quality');
    await change('applyProposal', found);
    await service.call('updateCollection', { collectionId, storeThumbnails: false });
    await service.call('updateCollection', { collectionId, storeThumbnails: true });
    await service.store.garbageCollected();
    await change('undoProposal', found);
    const gallery = service.gallery(collectionId);
    for (const { label } of service.store.faces.list(gallery, 0, 100)) {
      assert.equal(service.store.thumbnails.get({ gallery, label }), null);
    }
  });

  test('of look-alikes does not exist', async () => {
    await service.call('updateCollection', { collectionId, faceMatchThreshold: 2 });
    await add(Array.from({ length: 40 }, (_, person) => ({ person, externalKey: `person-${person}` })));
    const found = await finding('look-alike');
    assert.equal(found.proposal, null);
    assert.ok(found.falseAlarms > 0.5);
    assert.equal(await code('applyProposal', found), 'VALIDATION_FAILED');
  });
});
