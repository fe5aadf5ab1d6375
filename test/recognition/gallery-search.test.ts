import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Probe } from '../../src/recognition/face-analysis.ts';
import { GallerySearch } from '../../src/recognition/gallery-search.ts';
import { innerProduct as scoreOf } from '../../src/vision/impostors.ts';
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
        const probeTemplate = template(at.person, at.away, at.direction);
        const people = new Map<string, Float32Array[]>();
        for (const [i, { at, key }] of faces.entries()) {
          const vector = template(at.person, at.away, at.direction);
          const record = { box: { x: 0, y: 0, width: 1, height: 1 }, confidence: 1, createdAt: service.now };
          const { gallery, label } = await service.store.faces.add(
            service.caller(),
            collectionId,
            { ...record, ...recognizer.packId },
            vector,
            key === null ? null : { externalKey: key, allowDuplicates: true },
          );
          await service.indexes.add(gallery, label, vector);
          const person = key ?? `nameless ${i}`;
          people.set(person, [...(people.get(person) ?? []), vector]);
        }
        const expected = Array.from(people.values(), (templates) =>
          recognizer.similarity.toSimilarity(fusedScore(probeTemplate, templates, onePerson)),
        )
          .filter((similarity) => similarity >= threshold)
          .sort((a, b) => b - a)
          .slice(0, limit);

        const probe = { recognizer, template: probeTemplate } as unknown as Probe;
        const found = await search.nearest(service.caller(), collectionId, probe, threshold, limit);
        assert.equal(found.length, expected.length);
        for (const [i, { similarity }] of found.entries()) {
          // Scores of the index and of JavaScript are rounded differently.
          assert.ok(Math.abs(similarity - (expected[i] as number)) < 0.02);
        }
        for (const { face, similarity } of found) {
          if (face.externalKey === null) continue;
          const own = people.get(face.externalKey) ?? [];
          const best = Math.max(...own.map((each) => scoreOf(probeTemplate, each)));
          const stored = service.store.faces.byId(service.gallery(collectionId), face.faceId);
          assert.ok(stored);
          const vector = service.store.faces.template({
            gallery: service.gallery(collectionId),
            label: stored.label,
          });
          assert.ok(vector && Math.abs(scoreOf(probeTemplate, vector) - best) < 1e-5, `${similarity}`);
        }
      },
    ),
    { numRuns: 60 },
  );
});
