import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT, type Service, startService } from '../../testing/service.ts';

const FOLDER = join(ROOT, '../shared/faces/lfw-dev');
const PEOPLE = 100;
const PARALLEL = 8;

interface Person {
  readonly name: string;
  readonly first: Buffer;
  readonly second: Buffer;
}

function people(): Person[] {
  const found: Person[] = [];
  for (const name of readdirSync(FOLDER).sort()) {
    const [first, second] = readdirSync(join(FOLDER, name)).sort();
    if (!first || !second) continue;
    found.push({
      name,
      first: readFileSync(join(FOLDER, name, first)),
      second: readFileSync(join(FOLDER, name, second)),
    });
    if (found.length === PEOPLE) break;
  }
  return found;
}

async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at] as Item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return results;
}

describe('A hundred people', { skip: !existsSync(FOLDER) && 'needs ../shared/faces' }, () => {
  let service: Service;
  let everybody: Person[];
  const ids = new Map<string, string>();
  const sent = (data: Buffer) => ({ body: data, headers: { 'Content-Type': 'image/jpeg' } });

  before(async () => {
    service = await startService();
    everybody = people();
    const { client } = service;
    await client.ok('POST', '/v1/collection/create', { json: { collectionId: 'people' } });
    const faceIds = await inParallel(everybody, async ({ first }) => {
      return (await client.ok('POST', '/v1/face/index?collectionId=people', sent(first))).faceId as
        | string
        | null;
    });
    for (const [at, faceId] of faceIds.entries())
      if (faceId !== null) ids.set(everybody[at]?.name ?? '', faceId);
  });
  after(() => service.stop());

  const searchFor = (picture: Buffer, threshold: number) =>
    service.client.ok(
      'POST',
      `/v1/face/search?collectionId=people&faceMatchThreshold=${threshold}`,
      sent(picture),
    );
  const search = (threshold: number) => inParallel(everybody, ({ second }) => searchFor(second, threshold));

  test('are all seen when they are indexed', () => {
    assert.ok(ids.size >= PEOPLE - 1, `${ids.size} were seen`);
  });

  test('are the most similar to themselves in another picture, nearly all', async () => {
    const found = await search(0);
    const right = found.filter(({ faceId }, at) => faceId === ids.get(everybody[at]?.name ?? ''));
    assert.ok(right.length >= 95, `${right.length} of ${PEOPLE} are right`);
  });

  test('are found at the default threshold nearly all, and nobody is taken for another', async () => {
    const found = await search(80);
    const matched = found.filter(({ faceId }) => faceId !== null);
    assert.ok(matched.length >= 90, `${matched.length} of ${PEOPLE} are found`);
    for (const { similarity } of matched) assert.ok(similarity >= 80);
    // 100 probes against 100 faces at a false match rate of 1e-4: expect one wrong match.
    const wrong = found.filter(
      ({ faceId }, at) => faceId !== null && faceId !== ids.get(everybody[at]?.name ?? ''),
    );
    assert.ok(wrong.length <= 2, `${wrong.length} are taken for another`);
  });

  test('are found less the higher the threshold is', async () => {
    const similarities = (await search(0)).map(({ similarity }) => similarity as number);
    const counts: number[] = [];
    for (const threshold of [80, 90, 95, 98, 100]) {
      const found = (await search(threshold)).filter(({ faceId }) => faceId !== null).length;
      assert.equal(found, similarities.filter((similarity) => similarity >= threshold).length);
      counts.push(found);
    }
    const [, high = 0, , , highest = PEOPLE] = counts;
    assert.deepEqual(
      [...counts].sort((a, b) => b - a),
      counts,
    );
    assert.ok(high >= 80 && highest < high / 4, counts.join(' '));
  });

  test('are all found at 95 in the picture that was indexed', async () => {
    const seen = everybody.filter(({ name }) => ids.has(name));
    const found = await inParallel(seen, ({ first }) => searchFor(first, 95));
    assert.deepEqual(
      found.map(({ faceId }) => faceId),
      seen.map(({ name }) => ids.get(name)),
    );
  });
});
