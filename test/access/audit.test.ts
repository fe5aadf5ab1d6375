import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { Audit } from '../../src/access/audit/audit.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { openAuditReader } from '../../src/store/audit-reader.ts';
import { Store } from '../../src/store/store.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

const NOBODY = { kind: 'anonymous', id: null } as const;
const MEMBER = { kind: 'member', id: 'member_1' } as const;

function openAudit(t: TestContext, maxEntries = 1_000_000) {
  const folder = join(temporaryFolder(t), 'data');
  const store = Store.open(folder);
  const clock = { now: 1_000_000 };
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
  const retention = { maxEntries, maxDays: 400 };
  const audit = new Audit(store.audit, { now: () => clock.now, log, retention });
  t.after(async () => {
    await audit.close();
    await store.close();
  });
  const entries = async () => {
    const reader = openAuditReader(folder);
    const list = [...reader.entries()];
    await reader.close();
    return list;
  };
  const refuse = (address: string, result: ErrorCode = 'INVALID_API_KEY') =>
    audit.refuse({ actor: NOBODY, action: 'searchFace', address, result });
  return { store, clock, lines, audit, entries, refuse };
}

describe('An act', () => {
  test('is on disk with who, what, from where and when, once it is recorded', async (t) => {
    const { audit, entries } = openAudit(t);
    await audit.record({
      actor: MEMBER,
      accountId: 'acc_1',
      action: 'api-key.create',
      target: 'key_1',
      address: '203.0.113.9',
      requestId: 'r-1',
    });
    const [entry, ...rest] = await entries();
    const { hash, ...fields } = entry ?? { hash: '' };
    assert.match(hash, /^[0-9a-f]{64}$/);
    assert.deepEqual(rest, []);
    assert.deepEqual(fields, {
      sequence: 1,
      at: 1_000_000,
      accountId: 'acc_1',
      actor: MEMBER,
      action: 'api-key.create',
      target: 'key_1',
      result: 'ok',
      address: '203.0.113.9',
      requestId: 'r-1',
      count: 1,
      environment: null,
      collectionId: null,
    });
  });

  test('ends the oldest ones when the log is full, without waiting for the hour', async (t) => {
    const { audit, entries } = openAudit(t, 100);
    const act = { actor: MEMBER, accountId: 'acc_1', action: 'x' };
    await audit.record(...Array.from({ length: 150 }, () => act));
    const until = Date.now() + 20_000;
    while ((await entries()).length > 101 && Date.now() < until) await wait(20);
    const left = (await entries()).length;
    assert.ok(left <= 101, `${left} entries`);
  });

  test('fails where the store takes no entry, so that it is not answered as done', async (t) => {
    const { audit, store } = openAudit(t);
    await store.close();
    await assert.rejects(audit.record({ actor: MEMBER, action: 'x' }), { code: 'NOT_READY' });
  });
});

describe('A refusal', () => {
  test('is written with the next batch, and its repetitions as one entry after a minute', async (t) => {
    const { audit, clock, entries, refuse } = openAudit(t);
    for (let i = 0; i < 5; i++) refuse('198.51.100.1');
    await audit.flush();
    for (let i = 0; i < 7; i++) refuse('198.51.100.1');
    await audit.flush();
    assert.deepEqual(
      (await entries()).map(({ count }) => count),
      [5],
    );
    clock.now += 60_000;
    await audit.flush();
    assert.deepEqual(
      (await entries()).map(({ count, result }) => [count, result]),
      [
        [5, 'INVALID_API_KEY'],
        [7, 'INVALID_API_KEY'],
      ],
    );
  });

  test('is told apart by address, actor, action and code', async (t) => {
    const { audit, entries, refuse } = openAudit(t);
    refuse('198.51.100.1');
    refuse('198.51.100.2');
    refuse('198.51.100.1', 'API_KEY_EXPIRED');
    audit.refuse({ actor: MEMBER, action: 'searchFace', address: '198.51.100.1', result: 'INVALID_API_KEY' });
    audit.refuse({ actor: NOBODY, action: 'other', address: '198.51.100.1', result: 'INVALID_API_KEY' });
    await audit.flush();
    assert.deepEqual(
      (await entries()).map(({ count }) => count),
      [1, 1, 1, 1, 1],
    );
  });

  test('from ten thousand addresses writes a bounded number of entries, and counts every one', async (t) => {
    const { audit, clock, entries, refuse } = openAudit(t);
    for (let i = 0; i < 10_000; i++) refuse(`10.1.${i >> 8}.${i & 255}`);
    await audit.flush();
    for (let i = 0; i < 10_000; i++) refuse(`10.2.${i >> 8}.${i & 255}`);
    clock.now += 60_000;
    await audit.flush();
    const list = await entries();
    assert.ok(list.length <= 1_004, `${list.length} entries`);
    assert.equal(
      list.reduce((sum, { count }) => sum + count, 0),
      20_000,
    );
    const [first] = list.filter(({ action }) => action === 'several');
    assert.deepEqual(
      [first?.address, first?.target, first?.count],
      ['10.1.0.0/16', '1000 or more addresses, 1 action', 9_500],
    );
  });

  test('of one address among many kinds leaves other addresses their entries', async (t) => {
    const { audit, entries, refuse } = openAudit(t);
    for (let i = 0; i < 300; i++) {
      audit.refuse({ actor: NOBODY, action: `a.${i}`, address: '10.0.0.1', result: 'INVALID_API_KEY' });
    }
    refuse('10.0.0.2');
    await audit.flush();
    const list = await entries();
    assert.ok(list.some(({ address, action }) => address === '10.0.0.2' && action === 'searchFace'));
    assert.ok(list.length <= 12, `${list.length} entries`);
    const rest = list.find(({ action }) => action === 'several');
    assert.deepEqual([rest?.address, rest?.target, rest?.count], ['10.0.0.1', '1 address, 292 actions', 292]);
  });

  const floods: Readonly<Record<string, (number: number) => string>> = {
    'the /64s of an IPv6 /48': (number) => `2001:db8:1:${number.toString(16)}::1`,
    'the addresses of an IPv6 /32': (number) => `2001:db8:${(number * 13).toString(16)}:${number}::1`,
    'an IPv4 /16': (number) => `10.9.${number >> 8}.${number & 255}`,
    '40 networks': (number) => `10.${number % 40}.${number >> 8}.${number & 255}`,
  };
  for (const [name, addressOf] of Object.entries(floods)) {
    test(`keeps its place beside a flood from ${name}, before and behind it`, async (t) => {
      const { audit, entries, refuse } = openAudit(t);
      const key = { kind: 'key', id: 'key_1' } as const;
      const attributed = (action: string) =>
        audit.refuse({
          actor: key,
          accountId: 'acc_1',
          action,
          address: '192.0.2.1',
          result: 'SCOPE_DENIED',
        });
      refuse('192.0.2.1');
      refuse('2001:db9::1');
      attributed('before');
      for (let number = 0; number < 4_000; number++) refuse(addressOf(number));
      refuse('198.51.100.7');
      refuse('2001:dba::1');
      attributed('behind');
      await audit.flush();
      const list = await entries();
      for (const address of ['192.0.2.1', '2001:db9::1', '198.51.100.7', '2001:dba::1']) {
        assert.equal(
          list.filter((each) => each.address === address && each.action === 'searchFace').length,
          1,
        );
      }
      for (const action of ['before', 'behind']) {
        assert.deepEqual(list.find((each) => each.action === action)?.actor, key);
      }
      assert.equal(
        list.reduce((sum, { count }) => sum + count, 0),
        4_006,
      );
    });
  }

  test('from more networks than there are places is counted by its code alone', async (t) => {
    const { audit, entries, refuse } = openAudit(t);
    for (let number = 0; number < 3_000; number++) refuse(`${number >> 6}.${number & 63}.1.1`);
    await audit.flush();
    const list = await entries();
    const rest = list.filter(({ action }) => action === 'several');
    assert.deepEqual(
      rest.map(({ address, target, count }) => [address, target, count]),
      [[null, '1000 or more addresses, 1 action', 2_500]],
    );
  });

  test('of one account takes no place from another account, whatever its keys do', async (t) => {
    const { audit, entries } = openAudit(t);
    const refuseKey = (accountId: string, id: string, action: string, address = '10.0.0.1') =>
      audit.refuse({ actor: { kind: 'key', id }, accountId, action, address, result: 'SCOPE_DENIED' });
    for (let number = 0; number < 200; number++) {
      for (let each = 0; each < 50; each++)
        refuseKey('acc_1', `key_${number}`, `a.${each}`, `10.1.0.${each}`);
    }
    refuseKey('acc_2', 'key_x', 'getBalance');
    await audit.flush();
    const list = await entries();
    assert.equal(list.find(({ accountId }) => accountId === 'acc_2')?.action, 'getBalance');
    const flood = list.filter(({ accountId }) => accountId === 'acc_1');
    assert.equal(flood.length, list.length - 1);
    assert.ok(flood.length <= 201, `${flood.length} entries`);
    assert.equal(
      flood.reduce((sum, { count }) => sum + count, 0),
      10_000,
    );
  });

  test('of one key takes no place from another key of its account', async (t) => {
    const { audit, entries } = openAudit(t);
    const refuseKey = (id: string, action: string) =>
      audit.refuse({ actor: { kind: 'key', id }, accountId: 'acc_1', action, result: 'SCOPE_DENIED' });
    for (let number = 0; number < 1_000; number++) refuseKey('key_1', `a.${number}`);
    refuseKey('key_2', 'getBalance');
    await audit.flush();
    const list = await entries();
    assert.ok(list.some(({ actor, action }) => actor.id === 'key_2' && action === 'getBalance'));
    const rest = list.find(({ action }) => action === 'several');
    assert.deepEqual([rest?.actor.id, rest?.count], ['key_1', 975]);
  });

  test('of a hundred accounts at once leaves the next account its place', async (t) => {
    const { audit, entries } = openAudit(t);
    const refuseMember = (accountId: string, action: string) =>
      audit.refuse({
        actor: { kind: 'member', id: accountId },
        accountId,
        action,
        result: 'PERMISSION_DENIED',
      });
    for (let account = 0; account < 250; account++) {
      for (let each = 0; each < 40; each++) refuseMember(`acc_${account}`, `a.${each}`);
    }
    refuseMember('acc_victim', 'getBalance');
    await audit.flush();
    const list = await entries();
    assert.equal(list.find(({ accountId }) => accountId === 'acc_victim')?.action, 'getBalance');
    assert.ok(list.length <= 5_300, `${list.length} entries`);
    assert.equal(
      list.reduce((sum, { count }) => sum + count, 0),
      10_001,
    );
  });

  test('frees its place when it was not repeated for a minute', async (t) => {
    const { audit, clock, entries, refuse } = openAudit(t);
    for (let i = 0; i < 600; i++) refuse(`10.0.${i >> 8}.${i & 255}`);
    await audit.flush();
    clock.now += 60_000;
    await audit.flush();
    refuse('10.0.99.1');
    await audit.flush();
    assert.equal((await entries()).at(-1)?.address, '10.0.99.1');
  });

  test('that was only counted is written when the log closes', async (t) => {
    const { audit, entries, refuse } = openAudit(t);
    refuse('198.51.100.1');
    await audit.flush();
    refuse('198.51.100.1');
    refuse('198.51.100.1');
    await audit.close();
    assert.deepEqual(
      (await entries()).map(({ count }) => count),
      [1, 2],
    );
  });

  test('is kept and tried again where the store fails, and the failure is logged', async (t) => {
    const { audit, store, entries, refuse, lines } = openAudit(t);
    const { append } = store.audit;
    store.audit.append = () => Promise.reject(new Error('no space'));
    refuse('198.51.100.1');
    await audit.flush();
    refuse('198.51.100.1');
    store.audit.append = append;
    await audit.flush();
    assert.deepEqual(
      (await entries()).map(({ count }) => count),
      [2],
    );
    assert.equal(lines.length, 1);
  });
});

test('Retention removes what is too old when it is looked after', async (t) => {
  const { audit, clock, entries } = openAudit(t);
  await audit.record({ actor: MEMBER, action: 'old' });
  clock.now += 401 * 86_400_000;
  await audit.record({ actor: MEMBER, action: 'new' });
  await audit.truncate();
  assert.deepEqual(
    (await entries()).map(({ action }) => action),
    ['new', 'audit.truncate'],
  );
});

test('A closed log does not begin to remove entries', async (t) => {
  const { audit, entries } = openAudit(t, 100);
  const act = { actor: MEMBER, accountId: 'acc_1', action: 'x' };
  const written = audit.record(...Array.from({ length: 150 }, () => act));
  await audit.close();
  await written;
  await wait(100);
  assert.equal((await entries()).length, 150);
});
