import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { Audit } from '../../src/access/audit.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { openAuditReader } from '../../src/store/audit-reader.ts';
import { Store } from '../../src/store/store.ts';
import { temporaryFolder } from '../store/temporary-store.ts';

const NOBODY = { kind: 'anonymous', id: null } as const;
const MEMBER = { kind: 'member', id: 'member_1' } as const;

/** An audit log on a real store with a clock that stands. */
function openAudit(t: TestContext) {
  const folder = join(temporaryFolder(t), 'data');
  const store = Store.open(folder);
  const clock = { now: 1_000_000 };
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
  const retention = { maxEntries: 1_000_000, maxDays: 400 };
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
    });
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

  test('from ten thousand addresses writes about a hundred entries, and counts every one', async (t) => {
    const { audit, clock, entries, refuse } = openAudit(t);
    for (let i = 0; i < 10_000; i++) refuse(`10.1.${i >> 8}.${i & 255}`);
    await audit.flush();
    for (let i = 0; i < 10_000; i++) refuse(`10.2.${i >> 8}.${i & 255}`);
    clock.now += 60_000;
    await audit.flush();
    const list = await entries();
    assert.ok(list.length <= 103, `${list.length} entries`);
    assert.equal(
      list.reduce((sum, { count }) => sum + count, 0),
      20_000,
    );
    assert.equal(list.find(({ action }) => action === 'several')?.address, null);
  });

  test('frees its place when it was not repeated for a minute', async (t) => {
    const { audit, clock, entries, refuse } = openAudit(t);
    for (let i = 0; i < 100; i++) refuse(`10.0.0.${i}`);
    await audit.flush();
    clock.now += 60_000;
    await audit.flush();
    refuse('192.0.2.1');
    await audit.flush();
    assert.equal((await entries()).at(-1)?.address, '192.0.2.1');
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
