/** `GET /v1/events` and `GET /v1/events/stream` over HTTP. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NewApiKeyRequest } from '../../src/access/keys/api-keys.ts';
import type { RecognitionEvent } from '../../src/events/recorder.ts';
import type { Member } from '../../src/store/records.ts';
import { AccessService, closeShared } from '../../testing/access-service.ts';
import { EventSourceClient } from '../../testing/event-source.ts';
import { keyCaller } from '../../testing/key-caller.ts';
import { FACE, rowOf } from '../../testing/temporary-store.ts';

let service: AccessService;
let key: string;
let stranger: string;
let strangerAccount: string;
let open: EventSourceClient[] = [];
let owner: { accountId: string; environment: 'live' };

before(async () => {
  service = await AccessService.open();
  owner = { accountId: service.accountId, environment: 'live' };
  key = (await service.key()).key;
  const other = await service.stranger();
  strangerAccount = other.accountId;
  stranger = (await service.key({ accountId: strangerAccount })).key;
  for (const collectionId of ['people', 'staff']) {
    assert.equal((await service.call(key, 'POST', '/v1/collection/create', { collectionId })).status, 200);
  }
});
beforeEach(async () => {
  for (const stream of open) stream.close();
  open = [];
  while (service.eventStreams.open > 0) await sleep(5);
});
after(async () => {
  for (const stream of open) stream.close();
  await service.events.flush();
  assert.deepEqual(service.store.check(), []);
  await service.close();
  await closeShared();
});

async function listen(credential = key, query = '', lastEventId?: string): Promise<EventSourceClient> {
  const url = `${service.url}/v1/events/stream${query}`;
  const stream = await EventSourceClient.open(url, credential, lastEventId);
  open.push(stream);
  if (stream.status === 200) await stream.read();
  return stream;
}

function record(event: Partial<RecognitionEvent> = {}, accountId = service.accountId): void {
  const basic = { type: 'search', result: 'no_match', operation: 'searchFace' } as const;
  service.events.record(keyCaller(accountId), { ...basic, ...event });
}

async function recordAll(sources: readonly string[]): Promise<string[]> {
  for (const source of sources) record({ source });
  await service.events.flush();
  const { events } = await service.store.events.page(
    owner,
    {},
    { from: null, limit: sources.length, scan: 9e9 },
  );
  return events.map(({ id }) => id).reverse();
}

async function faceOf(collectionId: string, externalKey: string) {
  const { gallery, pack, packVersion } = service.store.collections.get(owner, collectionId) ?? assert.fail();
  const face = { ...FACE, pack, packVersion };
  const named = { externalKey, allowDuplicates: true };
  const added = await service.store.faces.add(owner, collectionId, face, rowOf(1), named);
  return { collectionId, gallery, label: added.label, faceId: added.faceId };
}

const sourcesOf = (events: readonly { data: { source: string } }[]) => events.map(({ data }) => data.source);

describe('A stream of events', () => {
  test('sends events as they happen, as the list shows them', async () => {
    const stream = await listen();
    assert.match(String(stream.headers.get('content-type')), /^text\/event-stream/);
    assert.equal(stream.headers.get('cache-control'), 'no-store');
    record({ source: 'door', similarity: 12.5 });
    const [sent] = await stream.take(1);
    assert.equal(sent?.event, 'event');
    assert.equal(sent?.id, sent?.data.id);
    const { body } = await service.call(key, 'GET', '/v1/events?limit=1');
    assert.deepEqual(body.events, [sent?.data]);
    assert.equal(sent?.data.source, 'door');
  });

  test('continues behind the last event that a client has, in order and without a gap', async () => {
    const stream = await listen();
    const ids = await recordAll(['a', 'b', 'c']);
    assert.deepEqual(sourcesOf(await stream.take(3)), ['a', 'b', 'c']);
    stream.close();
    await recordAll(Array.from({ length: 450 }, (_, i) => `missed ${i}`));
    const resumed = await listen(key, '', ids[1]);
    record({ source: 'live' });
    const events = await resumed.take(452);
    assert.deepEqual(sourcesOf(events), [
      'c',
      ...Array.from({ length: 450 }, (_, i) => `missed ${i}`),
      'live',
    ]);
    assert.ok(events.every(({ event }) => event === 'event'));
  });

  test('lets a client resume that got no event yet, or none that passed its filter', async () => {
    const stream = await listen(key, '?source=door');
    const before = stream.lastEventId;
    assert.match(before, /^evt_/);
    stream.close();
    await recordAll(['door', 'other']);
    const resumed = await listen(key, '?source=door', before);
    assert.deepEqual(sourcesOf(await resumed.take(1)), ['door']);
  });

  test('says that there is a gap if the last event is gone, came from elsewhere, or is no id', async () => {
    const [first] = await recordAll(['old', 'new']);
    const foreign = 'evt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ';
    for (const id of ['evt_00000000000000000000000000', foreign, 'x', '\u00e9', '']) {
      const stream = await listen(key, '', id);
      const [gap] = await stream.take(1);
      assert.equal(gap?.event, 'gap', JSON.stringify(id));
      stream.close();
    }
    const stream = await listen(key, '', first);
    assert.equal((await stream.take(1))[0]?.event, 'event');
  });

  test('sends an event again after a review, by its filter but for the review, to its account only', async () => {
    const [first, second] = await recordAll(['door', 'gate']);
    const unreviewed = await listen(key, '?source=door&review=none');
    const gate = await listen(key, '?source=gate');
    const foreign = await listen(stranger);
    const before = unreviewed.lastEventId;
    const token = await service.token(await service.member('member'));
    const review = (eventId: string | undefined, state: string | null) =>
      service.call(token, 'PUT', '/v1/events/review', { eventId, review: state });
    await review(first, 'confirmed');
    const [sent] = await unreviewed.take(1);
    assert.deepEqual([sent?.event, sent?.data.id, sent?.id], ['review', first, before]);
    assert.equal((sent?.data as { review?: { state: string } } | undefined)?.review?.state, 'confirmed');
    await review(first, null);
    assert.equal((await unreviewed.take(1))[0]?.event, 'review');
    await review(second, 'corrected');
    assert.equal((await gate.take(1))[0]?.data.id, second);
    record({ source: 'theirs' }, strangerAccount);
    await service.events.flush();
    assert.equal((await foreign.take(1))[0]?.event, 'event');
  });

  test('says that there is a gap when events were dropped', async () => {
    const stream = await listen();
    for (let i = 0; i < 10_001; i++) record();
    const kinds = new Set((await stream.take(10_001)).map(({ event }) => event));
    assert.deepEqual([...kinds].sort(), ['event', 'gap']);
  });

  test('sends only what its filter and its caller’s limits let pass', async () => {
    const ada = await faceOf('people', 'ada');
    const bob = await faceOf('staff', 'bob');
    const limited = async (limits: Partial<NewApiKeyRequest>) =>
      (await service.key({ scopes: ['v1:events'], ...limits })).key;
    const test_ = await limited({ environment: 'test' });
    const cases: [string, string, string[]][] = [
      [key, '', ['ada', 'bob', 'none', 'last']],
      [key, '?collectionId=people', ['ada', 'none', 'last']],
      [key, '?externalKey=bob', ['bob']],
      [key, `?faceId=${ada.faceId}`, ['ada']],
      [key, '?type=liveness', []],
      [key, '?result=match&source=ada', ['ada']],
      [key, '?since=2999-01-01T00:00:00Z', []],
      [await limited({ collectionId: 'people' }), '', ['ada', 'none', 'last']],
      [await limited({ allowedExternalKeys: ['bob', 'x'] }), '', ['bob']],
      [await limited({ allowedModels: ['other'] }), '', []],
      [await limited({ allowedModels: ['yunet'] }), '', ['ada', 'bob', 'none', 'last']],
      [test_, '', []],
      [stranger, '', []],
    ];
    for (const [credential, query, expected] of cases) {
      const stream = await listen(credential, query);
      assert.equal(stream.status, 200);
      const since = stream.lastEventId;
      const match = { type: 'identify', result: 'match' } as const;
      record({ ...match, ...ada, source: 'ada' });
      record({ ...match, ...bob, source: 'bob' });
      record({ collectionId: 'people', gallery: ada.gallery, source: 'none' });
      record({ collectionId: 'people', gallery: ada.gallery, source: 'last' });
      await service.events.flush();
      const live = await stream.take(expected.length);
      assert.deepEqual(sourcesOf(live), expected, query);
      stream.close();
      const path = `/v1/events${query === '' ? '?' : `${query}&`}limit=4`;
      const { body } = await service.call(credential, 'GET', path);
      const listed = body.events
        .filter(({ id }: { id: string }) => id > since)
        .map((e: { source: string }) => e.source);
      assert.deepEqual(listed.reverse(), expected, path);
    }
  });

  test('sends nothing of a face that is deleted, and nothing more of it to a client that resumes', async () => {
    const ada = await faceOf('people', 'eve');
    const stream = await listen();
    const before = stream.lastEventId;
    record({ type: 'identify', result: 'match', ...ada });
    assert.equal((await stream.take(1))[0]?.data.externalKey, 'eve');
    await service.store.faces.removeById(owner, 'people', ada.faceId);
    const [again] = await (await listen(key, '', before)).take(1);
    assert.deepEqual([again?.data.externalKey, again?.data.faceId], [null, null]);
  });

  test('ends with the credential: key revoked, changed or expired; member removed, logged out or idle', async () => {
    const endsAfter = async (credential: string, work: () => unknown) => {
      const stream = await listen(credential);
      assert.equal(stream.status, 200);
      await work();
      record({ source: 'secret' });
      await stream.end();
      assert.ok(stream.hasEnded);
      assert.deepEqual(await stream.take(9), []);
    };
    const revoked = await service.key();
    await endsAfter(revoked.key, () => service.store.apiKeys.remove(revoked.id));
    const frozen = await service.key();
    await endsAfter(frozen.key, () =>
      service.store.apiKeys.change(frozen.id, (record) => ({ ...record, frozen: true })),
    );
    const narrowed = await service.key();
    await endsAfter(narrowed.key, () =>
      service.store.apiKeys.change(narrowed.id, (record) => ({ ...record, scopes: ['v1:faces'] })),
    );
    const parent = await service.key();
    const { token } = (await service.call(parent.key, 'GET', '/v1/token/get')).body;
    await endsAfter(token, () => service.store.apiKeys.remove(parent.id));
    const member = async () => {
      const who = await service.member('member');
      return { who, token: await service.token(who) };
    };
    const removed = await member();
    const removal = ({ accountId, memberId }: Member) =>
      service.store.sessions.removeAll(memberId, accountId);
    await endsAfter(removed.token, () => removal(removed.who));
    const late = await member();
    await endsAfter(late.token, () => {
      service.now = () => Date.now() + 3_600_000;
    });
    service.now = Date.now;
  });

  test('ends when the service stops, and no new one begins', async () => {
    const other = await AccessService.open();
    const { key: own } = await other.key();
    const stream = await EventSourceClient.open(`${other.url}/v1/events/stream`, own);
    const ended = stream.end();
    other.eventStreams.close();
    await ended;
    const { status, body } = await other.call(own, 'GET', '/v1/events/stream');
    assert.deepEqual([status, body.code], [503, 'NOT_READY']);
    await other.close();
  });

  test('is one of eight of its account, and lets go of its place with its client', async () => {
    const streams = await Promise.all(Array.from({ length: 8 }, () => listen()));
    assert.ok(streams.every(({ status }) => status === 200));
    const ninth = await service.call(key, 'GET', '/v1/events/stream');
    assert.deepEqual([ninth.status, ninth.body.code], [429, 'RATE_LIMIT_EXCEEDED']);
    assert.ok(ninth.headers.get('retry-after'));
    assert.equal((await listen(stranger)).status, 200);
    streams[0]?.close();
    while (service.eventStreams.open > 8) await sleep(5);
    assert.equal((await listen()).status, 200);
  });

  test('is one of 64 in total', async () => {
    for (let account = 0; account < 8; account++) {
      const { accountId } = await service.store.members.addWithAccount(`account ${account}`, {
        email: `o${account}@example.com`,
        name: null,
        username: null,
        role: 'owner',
        passwordHash: 'x',
        invitation: null,
        createdAt: Date.now(),
      });
      const own = (await service.key({ accountId })).key;
      for (let i = 0; i < 8; i++) assert.equal((await listen(own)).status, 200);
    }
    const { status, body } = await service.call(key, 'GET', '/v1/events/stream');
    assert.deepEqual([status, body.code], [503, 'OVERLOADED']);
  });

  test('takes no place for HEAD, and none for a refused filter', async () => {
    const response = await fetch(`${service.url}/v1/events/stream`, {
      method: 'HEAD',
      headers: { Authorization: `Bearer ${key}` },
    });
    assert.equal(response.status, 200);
    const missing = await service.call(key, 'GET', '/v1/events/stream?collectionId=missing');
    assert.deepEqual([missing.status, missing.body.code], [404, 'COLLECTION_NOT_FOUND']);
    assert.equal(service.eventStreams.open, 0);
  });

  test('waits for a client that does not read, with bounded memory, and then sends everything', async () => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.write(`GET /v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`);
    let text = '';
    const received = (count: number) => (text.match(/"id":"evt_/g) ?? []).length >= count;
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    for (let round = 0; round < 20; round++) {
      await recordAll(Array.from({ length: 1_000 }, (_, i) => `${round} ${i} ${'x'.repeat(50)}`));
    }
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.resume();
    while (!received(20_000)) await sleep(20);
    const ids = Array.from(text.matchAll(/"id":"(evt_\w+)"/g), ([, id]) => id);
    assert.equal(new Set(ids).size, 20_000);
    assert.deepEqual(ids, [...ids].sort());
    socket.destroy();
  });
});

describe('The list of events', () => {
  test('pages newest first, and refuses a wrong cursor or time', async () => {
    const ids = (await recordAll(['1', '2', '3', '4', '5'])).reverse();
    const first = (await service.call(key, 'GET', '/v1/events?limit=2')).body;
    const next = (await service.call(key, 'GET', `/v1/events?limit=3&cursor=${first.nextCursor}`)).body;
    const found = [...first.events, ...next.events].map(({ id }: { id: string }) => id);
    assert.deepEqual(found, ids);
    for (const query of [
      'cursor=eA',
      'since=yesterday',
      'since=2026-13-01T00:00:00Z',
      'limit=0',
      'limit=1001',
    ]) {
      const { status, body } = await service.call(key, 'GET', `/v1/events?${query}`);
      assert.deepEqual([status, body.code], [400, 'VALIDATION_FAILED'], query);
    }
  });
});
