/** `PUT /v1/events/review` over HTTP. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AccessService, closeShared } from '../../testing/access-service.ts';
import { emptyPicture } from '../../testing/sample-faces.ts';

const PATH = '/v1/events/review';
const NOWHERE = 'evt_00000000000000000000000000';

let service: AccessService;
let accountId: string;
let key: string;
let eventId: string;

before(async () => {
  service = await AccessService.open();
  ({ accountId } = await service.member('owner'));
  ({ key } = await service.key({ accountId }));
  await service.call(key, 'POST', '/v1/collection/create', { collectionId: 'people' });
  const image = { bytes: (await emptyPicture()).toString('base64') };
  await service.call(key, 'POST', '/v1/face/search', { collectionId: 'people', image });
  await service.events.flush();
  const { body } = await service.call(key, 'GET', '/v1/events');
  eventId = body.events[0].id;
});
after(async () => {
  await service.close();
  await closeShared();
});

test('A review names the member and the time, and every reader of events sees it', async () => {
  const member = await service.member('member', accountId);
  const token = await service.token(member);
  const began = Date.now();
  const { status, body } = await service.call(token, 'PUT', PATH, { eventId, review: 'confirmed' });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(
    [body.id, body.review.state, body.review.memberId],
    [eventId, 'confirmed', member.memberId],
  );
  assert.ok(
    Date.parse(body.review.time) >= began - 1000 && Date.parse(body.review.time) <= Date.now() + 1000,
  );
  const listed = await service.call(key, 'GET', '/v1/events?review=confirmed');
  assert.deepEqual(listed.body.events, [body]);
  const others = await service.call(key, 'GET', '/v1/events?review=none');
  assert.deepEqual(others.body.events, []);
  const taken = await service.call(token, 'PUT', PATH, { eventId, review: null });
  assert.equal(taken.body.review, null);
});

test('Only members review, and only events of their account that exist', async () => {
  const byKey = await service.call(key, 'PUT', PATH, { eventId, review: 'confirmed' });
  assert.deepEqual([byKey.status, byKey.body.code], [403, 'PERMISSION_DENIED']);
  const other = { email: 'o@example.com', name: null, username: null, role: 'owner' } as const;
  const secrets = { passwordHash: 'x', invitation: null, createdAt: Date.now() };
  const stranger = await service.store.members.addWithAccount('other', { ...other, ...secrets });
  const theirs = await service.token(stranger);
  const foreign = await service.call(theirs, 'PUT', PATH, { eventId, review: 'confirmed' });
  assert.deepEqual([foreign.status, foreign.body.code], [404, 'NOT_FOUND']);
  const token = await service.token(await service.member('admin', accountId));
  const missing = await service.call(token, 'PUT', PATH, { eventId: NOWHERE, review: 'confirmed' });
  assert.deepEqual([missing.status, missing.body.code], [404, 'NOT_FOUND']);
  for (const json of [{ eventId }, { eventId, review: 'none' }, { eventId: 'x', review: null }]) {
    const { status, body } = await service.call(token, 'PUT', PATH, json);
    assert.deepEqual([status, body.code], [400, 'VALIDATION_FAILED'], JSON.stringify(json));
  }
  const { body } = await service.call(token, 'GET', '/v1/events');
  assert.equal(body.events[0].review, null);
});
