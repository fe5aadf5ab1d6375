import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AuditEntry } from '../../src/access/audit/audit.ts';
import { createApiKey } from '../../src/access/keys/api-keys.ts';
import { keyAdministration } from '../../src/access/keys/key-administration.ts';
import { identityAdministration } from '../../src/access/members/identity-administration.ts';
import { createAdminApp } from '../../src/http/admin.ts';
import { createHttpServer, drain, listen } from '../../src/http/server.ts';
import { createLog } from '../../src/ops/log.ts';
import { turnsOf } from '../../testing/turns.ts';
import { type IdentityFixture, NO_AUDIT, openIdentity } from './identity.ts';

const COUNT = 3_000;

let fixture: IdentityFixture;
const cleanups: (() => unknown)[] = [];
before(async () => {
  fixture = await openIdentity({ after: (work) => cleanups.push(work) });
  cleanups.push(() => fixture.close());
  const { store } = fixture;
  const { accountId } = store.accounts.first();
  const person = { name: 'A', username: null, role: 'owner', invitation: null } as const;
  await Promise.all(
    Array.from({ length: COUNT }, async (_, at) => {
      await createApiKey(store, { accountId, name: `key ${at}`, environment: 'live' }, at);
      const own = { email: `m${at}@example.com`, passwordHash: 'x', createdAt: at };
      await store.members.addWithAccount('A', { ...person, ...own });
    }),
  );
});
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

const keysOf = () => keyAdministration(fixture.store, NO_AUDIT);
const identityOf = () => {
  const { store, signingKeys } = fixture;
  const { passwords } = fixture.identity();
  const parts = { store, passwords, audit: NO_AUDIT, now: Date.now, signingKeys: async () => signingKeys };
  return identityAdministration(parts);
};

test('Keys and members are listed, and a member is found, in turns of the event loop', async () => {
  const [keys, identity] = [keysOf(), identityOf()];
  for (const work of [
    () => keys.list(),
    () => identity.listMembers(),
    () => identity.setRole(`m${COUNT - 1}@example.com`, 'owner'),
  ]) {
    const turns = await turnsOf(work);
    assert.ok(turns > 2, `${turns} turns: ${work}`);
  }
});

test('A long list is answered whole', async () => {
  const log = createLog('silent');
  const unused = (): never => assert.fail();
  const app = createAdminApp({
    keys: keysOf(),
    migrations: {} as never,
    identity: identityOf(),
    reload: unused,
    facts: unused,
    log,
  });
  const server = createHttpServer(app.callback());
  await listen(server, { host: '127.0.0.1', port: 0 });
  const { port } = server.address() as { port: number };
  for (const [path, name] of [
    ['/api-keys', 'keys'],
    ['/members', 'members'],
  ]) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    assert.match(String(response.headers.get('content-type')), /^application\/json/);
    const listed = (await response.json()) as Record<string, { id: string }[]>;
    assert.equal(new Set(listed[String(name)]?.map(({ id }) => id)).size, COUNT);
  }
  await drain(server, 100);
});

test('A key of the operator is recorded when it is made and revoked', async () => {
  const actions: unknown[] = [];
  const audit = {
    record: async (...entries: readonly AuditEntry[]) => {
      for (const { actor, action, target } of entries) actions.push([actor.kind, action, target]);
    },
  };
  const keys = keyAdministration(fixture.store, audit);
  const { id } = await keys.create({ name: 'a', environment: 'live' });
  await keys.revoke(id);
  assert.deepEqual(actions, [
    ['operator', 'api-key.create', id],
    ['operator', 'api-key.revoke', id],
  ]);
});
