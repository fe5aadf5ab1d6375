import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApiKey } from '../../src/access/keys/api-keys.ts';
import { uniforms } from '../../src/base/random.ts';
import { Store } from '../../src/store/store.ts';
import { differentPeople } from '../../testing/sample-faces.ts';
import { startChild, temporaryFolder } from '../../testing/service.ts';

const KILLS = 3;
const PEOPLE = 16;
const COLLECTION = 'people';

interface Answer {
  readonly status: number;
  readonly body: { readonly faceId?: string; readonly code?: string };
  readonly isReplay: boolean;
}

test('a retry after a kill adds no second face, and repeats each answer that a client got', async () => {
  const folder = await temporaryFolder();
  const random = uniforms(11);
  const [picture] = await differentPeople();
  const image = { bytes: (picture as Buffer).toString('base64') };
  const store = Store.open(folder.path);
  const { accountId } = store.accounts.first();
  const request = { accountId, name: 'test', environment: 'live', rateLimit: 1_000_000 } as const;
  const { key } = await createApiKey(store, request);
  await store.close();

  const seen = { replayed: 0, refused: 0, ran: 0 };
  let child = await startChild(folder.path);
  const post = async (target: string, json: object, retryKey?: string): Promise<Answer> => {
    const response = await fetch(child.url + target, {
      method: 'POST',
      headers: {
        Authorization: `ApiKey ${key}`,
        'Content-Type': 'application/json',
        ...(retryKey === undefined ? {} : { 'Idempotency-Key': retryKey }),
      },
      body: JSON.stringify(json),
    });
    const isReplay = response.headers.get('idempotency-replayed') === 'true';
    return { status: response.status, body: (await response.json()) as Answer['body'], isReplay };
  };
  const enroll = (externalKey: string) =>
    post(
      '/v1/face/enroll',
      { collectionId: COLLECTION, externalKey, image, allowDuplicates: true },
      `retry of ${externalKey}`.replaceAll(' ', '-'),
    );
  const facesOf = async (externalKey: string): Promise<string[]> => {
    const target = `${child.url}/v1/external-key/get-face-ids?collectionId=${COLLECTION}&externalKey=${externalKey}`;
    const response = await fetch(target, { headers: { Authorization: `ApiKey ${key}` } });
    return ((await response.json()) as { faceIds: string[] }).faceIds;
  };

  try {
    await post('/v1/collection/create', { collectionId: COLLECTION });
    for (let round = 0; round < KILLS; round++) {
      const names = Array.from({ length: PEOPLE }, (_, i) => `person-${round}-${i}`);
      const sent = names.map((name) => enroll(name).catch(() => null));
      await Promise.race(sent);
      await sleep(random() * 250);
      const closed = once(child.process, 'close');
      child.process.kill('SIGKILL');
      const first = await Promise.all(sent);
      await closed;
      child = await startChild(folder.path);
      for (const [at, name] of names.entries()) {
        const again = await enroll(name);
        const known = first[at];
        if (known) assert.deepEqual([again.isReplay, again.body], [true, known.body], name);
        if (again.isReplay) seen.replayed++;
        else if (again.status === 200) seen.ran++;
        else {
          assert.equal(again.body.code, 'IDEMPOTENCY_CONFLICT', name);
          seen.refused++;
        }
        const faces = await facesOf(name);
        assert.equal(faces.length, 1, name);
        if (again.status === 200) assert.deepEqual(faces, [again.body.faceId], name);
        assert.equal((await enroll(name)).status, again.status, name);
      }
    }
    assert.ok(seen.replayed > 0 && seen.ran > 0, JSON.stringify(seen));
  } finally {
    await child.stop();
    await folder.remove();
  }
  console.log(`# ${seen.replayed} repeated, ${seen.refused} refused, ${seen.ran} ran`);
});
