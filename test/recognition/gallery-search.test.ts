import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Row } from '../../src/native/gallery-index.ts';
import { GallerySearch } from '../../src/recognition/gallery-search.ts';
import { fusedScore } from '../../src/vision/template-fusion.ts';
import { TestService } from '../../testing/recognition-service.ts';

const collectionId = 'c';

let service: TestService;
before(async () => {
  service = await TestService.open();
});
after(() => service.close());

/** A template that lies so far, 0..1, from the axis of a person towards another direction. */
function template(person: number, away: number, direction: number): Float32Array {
  const vector = new Float32Array(service.recognizer.dimension);
  vector[person] = Math.sqrt(1 - away * away);
  vector[10 + direction] = away;
  return vector;
}

const unitShare = fc.double({ min: 0, max: 0.95, noNaN: true });
const someTemplate = fc.record({
  person: fc.nat({ max: 2 }),
  away: unitShare,
  direction: fc.nat({ max: 3 }),
});
const someFace = fc.record({ at: someTemplate, key: fc.constantFrom(null, 'a', 'b', 'c', 'd') });

test('the people found are those that all faces of each key, compared together, come to', async () => {
  const { recognizer } = service;
  const { space } = recognizer;
  const search = new GallerySearch({ ...service, now: () => service.now });
  const onePerson = recognizer.similarity.toScore(70);
  await fc.assert(
    fc.asyncProperty(
      fc.array(someFace, { minLength: 1, maxLength: 14 }),
      someTemplate,
      fc.constantFrom(0, 50, 70, 80, 95),
      fc.integer({ min: 1, max: 15 }),
      async (faces, at, threshold, limit) => {
        await service.call('deleteCollection', { collectionId });
        await service.call('createCollection', { collectionId });
        const probeRow = space.row(template(at.person, at.away, at.direction));
        const people = new Map<string, Row[]>();
        for (const [i, { at, key }] of faces.entries()) {
          const row = space.row(template(at.person, at.away, at.direction));
          const record = { box: { x: 0, y: 0, width: 1, height: 1 }, confidence: 1, createdAt: service.now };
          const { gallery, label } = await service.store.faces.add(
            service.caller(),
            collectionId,
            { ...record, ...recognizer.packId },
            row,
            key === null ? null : { externalKey: key, allowDuplicates: true },
          );
          await service.indexes.add(gallery, label, row, space);
          const person = key ?? `nameless ${i}`;
          people.set(person, [...(people.get(person) ?? []), row]);
        }
        const expected = Array.from(people.values(), (rows) =>
          recognizer.similarity.toSimilarity(fusedScore(space, probeRow, rows, onePerson)),
        )
          .filter((similarity) => similarity >= threshold)
          .sort((a, b) => b - a)
          .slice(0, limit);

        const { matches: found } = await search.nearest(
          service.caller(),
          collectionId,
          { recognizer, row: probeRow, doubts: { isUncertain: false, isDoubtful: false } },
          { threshold },
          limit,
        );
        assert.deepEqual(
          found.map(({ similarity }) => similarity),
          expected,
        );
        for (const { face, similarity } of found) {
          if (face.externalKey === null) continue;
          const own = people.get(face.externalKey) ?? [];
          const best = Math.max(...space.compare(probeRow, own));
          const stored = service.store.faces.byId(service.gallery(collectionId), face.faceId);
          assert.ok(stored);
          const kept = service.store.faces.row({
            gallery: service.gallery(collectionId),
            label: stored.label,
          });
          assert.ok(kept);
          assert.deepEqual([...space.compare(probeRow, [kept])], [best], `${similarity}`);
        }
      },
    ),
    { numRuns: 60 },
  );
});
