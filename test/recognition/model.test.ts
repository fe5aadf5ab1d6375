import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { TestService } from '../../testing/recognition-service.ts';
import { differentPeople } from '../../testing/sample-faces.ts';

const COLLECTIONS = ['a', 'b'];
const KEYS = ['k1', 'k2'];
const PEOPLE = 3;
const THRESHOLD = 97;

const collection = fc.constantFrom(...COLLECTIONS);
const person = fc.nat({ max: PEOPLE - 1 });
const externalKey = fc.constantFrom(...KEYS);
const face = fc.nat({ max: 5 });

const operation = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('create' as const), collection }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('index' as const), collection, person }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('search-or-index' as const), collection, person }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('enroll' as const),
      collection,
      person,
      externalKey,
      allowDuplicates: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      collection,
      face,
      externalKey,
      allowDuplicates: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete face' as const), collection, face }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('delete by key' as const), collection, externalKey }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unlink' as const), collection, externalKey }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('unlink one' as const), collection, externalKey, face }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const), collection }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), collection }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

interface ModelFace {
  readonly faceId: string;
  readonly person: number;
  externalKey: string | null;
}

class Model {
  readonly collections = new Map<string, ModelFace[]>();
  readonly everIndexed: string[] = [];

  faceId(back: number): string {
    return this.everIndexed.at(-1 - back) ?? 'face_none';
  }

  add(collectionId: string, faceId: string, person: number, externalKey: string | null = null): void {
    this.collections.get(collectionId)?.push({ faceId, person, externalKey });
    this.everIndexed.push(faceId);
  }

  withKey(collectionId: string, externalKey: string): ModelFace[] {
    return (this.collections.get(collectionId) ?? []).filter((each) => each.externalKey === externalKey);
  }
}

let service: TestService;
let people: Buffer[];

before(async () => {
  [service, people] = await Promise.all([TestService.open(), differentPeople(112)]);
});
after(() => service.close());

/** Does an operation on the service and on the model; both must come to the same. */
async function apply(model: Model, op: Operation): Promise<void> {
  if (op.kind === 'restart') return service.restart();
  const collectionId = op.collection;
  const faces = model.collections.get(collectionId);
  switch (op.kind) {
    case 'create': {
      const code = await service.code('createCollection', { collectionId });
      assert.equal(code, faces ? 'COLLECTION_ALREADY_EXISTS' : 'succeeded');
      if (!faces) model.collections.set(collectionId, []);
      return;
    }
    case 'delete':
      await service.call('deleteCollection', { collectionId });
      model.collections.delete(collectionId);
      return;
  }
  if (!faces) {
    const code = await service.code('getFaceIds', { collectionId, externalKey: 'k' });
    assert.equal(code, 'COLLECTION_NOT_FOUND');
    return;
  }
  switch (op.kind) {
    case 'index': {
      const { faceId } = await service.call(
        'indexFace',
        { collectionId },
        { image: people[op.person] as Buffer },
      );
      return model.add(collectionId, faceId, op.person);
    }
    case 'enroll': {
      const { externalKey, allowDuplicates, person } = op;
      const parameters = { collectionId, externalKey, allowDuplicates };
      const image = people[person] as Buffer;
      const isTaken = model.withKey(collectionId, externalKey).length > 0;
      if (isTaken && !allowDuplicates) {
        return assert.equal(await service.code('enrollFace', parameters, { image }), 'EXTERNAL_KEY_CONFLICT');
      }
      const answer = await service.call('enrollFace', parameters, { image });
      assert.equal(answer.result, isTaken ? 'Updated' : 'Created');
      return model.add(collectionId, answer.faceId, person, externalKey);
    }
    case 'search-or-index': {
      const parameters = { collectionId, faceMatchThreshold: THRESHOLD };
      const image = people[op.person] as Buffer;
      const answer = await service.call('searchOrIndexFace', parameters, { image });
      const known = faces.filter((each) => each.person === op.person);
      assert.equal(answer.resultSource, known.length > 0 ? 'Search' : 'Index');
      if (known.length === 0) return model.add(collectionId, answer.faceId, op.person);
      const found = known.find(({ faceId }) => faceId === answer.faceId);
      assert.ok(found);
      assert.equal(answer.externalKey, found.externalKey);
      return;
    }
    case 'set': {
      const { externalKey, allowDuplicates } = op;
      const faceId = model.faceId(op.face);
      const code = await service.code('setExternalKey', {
        collectionId,
        faceId,
        externalKey,
        allowDuplicates,
      });
      const target = faces.find((each) => each.faceId === faceId);
      const taken = model.withKey(collectionId, externalKey).some((each) => each !== target);
      if (!target) assert.equal(code, 'FACE_NOT_FOUND');
      else if (taken && !allowDuplicates && target.externalKey !== externalKey) {
        assert.equal(code, 'EXTERNAL_KEY_CONFLICT');
      } else {
        assert.equal(code, 'succeeded');
        target.externalKey = externalKey;
      }
      return;
    }
    case 'delete face': {
      const faceId = model.faceId(op.face);
      const code = await service.code('deleteFace', { collectionId, faceId });
      const at = faces.findIndex((each) => each.faceId === faceId);
      assert.equal(code, at < 0 ? 'FACE_NOT_FOUND' : 'succeeded');
      if (at >= 0) faces.splice(at, 1);
      return;
    }
    case 'delete by key': {
      const { externalKey } = op;
      const gone = model.withKey(collectionId, externalKey);
      const code = await service.code('deleteFace', { collectionId, externalKey });
      assert.equal(code, gone.length === 0 ? 'FACE_NOT_FOUND' : 'succeeded');
      model.collections.set(
        collectionId,
        faces.filter((each) => !gone.includes(each)),
      );
      return;
    }
    case 'unlink':
    case 'unlink one': {
      const { externalKey } = op;
      const faceId = op.kind === 'unlink one' ? model.faceId(op.face) : undefined;
      await service.call('deleteExternalKey', { collectionId, externalKey, ...(faceId ? { faceId } : {}) });
      for (const each of model.withKey(collectionId, externalKey)) {
        if (faceId === undefined || each.faceId === faceId) each.externalKey = null;
      }
      return;
    }
    case 'reset':
      await service.call('resetCollection', { collectionId });
      model.collections.set(collectionId, []);
  }
}

async function compare(model: Model): Promise<void> {
  assert.deepEqual(service.store.check(), []);
  let total = 0;
  for (const [collectionId, faces] of model.collections) {
    assert.equal(service.faceCount(collectionId), faces.length);
    total += faces.length;
    for (const externalKey of KEYS) {
      const { faceIds } = await service.call('getFaceIds', { collectionId, externalKey });
      assert.deepEqual(
        faceIds,
        model.withKey(collectionId, externalKey).map(({ faceId }) => faceId),
      );
    }
  }
  assert.equal(service.indexes.totals().templates, total);
}

async function compareSearches(model: Model): Promise<void> {
  for (const [collectionId, faces] of model.collections) {
    for (const [who, image] of people.slice(0, PEOPLE).entries()) {
      const parameters = { collectionId, faceMatchThreshold: THRESHOLD };
      const { faceId } = await service.call('searchFace', parameters, { image });
      const possible = faces.filter((each) => each.person === who).map((each) => each.faceId);
      if (possible.length === 0) assert.equal(faceId, null);
      else assert.ok(possible.includes(faceId));
    }
  }
}

test('any sequence of calls and restarts agrees with a model in plain memory', async () => {
  const sequences = fc.array(operation, { minLength: 10, maxLength: 40, size: 'max' });
  await fc.assert(
    fc.asyncProperty(sequences, async (operations) => {
      const model = new Model();
      for (const collectionId of COLLECTIONS) await service.call('deleteCollection', { collectionId });
      await apply(model, { kind: 'create', collection: 'a' });
      for (const op of operations) {
        await apply(model, op);
        await compare(model);
      }
      await service.restart();
      await compare(model);
      await compareSearches(model);
    }),
    { numRuns: 12 },
  );
});
