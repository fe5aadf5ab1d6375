import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type Database, open } from 'lmdb';
import { auditHash } from '../../src/store/audit.ts';
import { openAuditReader } from '../../src/store/audit-reader.ts';
import type { AuditMark, NewAuditRecord, StoredAuditRecord } from '../../src/store/audit-records.ts';
import { Store } from '../../src/store/store.ts';
import { temporaryFolder } from './temporary-store.ts';

function record(number: number, more: Partial<NewAuditRecord> = {}): NewAuditRecord {
  return {
    at: number * 1000,
    accountId: 'acc_1',
    actor: { kind: 'key', id: 'key_1' },
    action: 'collection.create',
    target: `c-${number}`,
    result: 'ok',
    address: '198.51.100.42',
    requestId: null,
    count: 1,
    ...more,
  };
}

const records = (count: number) => Array.from({ length: count }, (_, at) => record(at + 1));

/** A closed store with ten entries, and the way of an attacker into its files. */
async function logOfTen(t: TestContext): Promise<string> {
  const folder = join(temporaryFolder(t), 'data');
  const store = Store.open(folder);
  await store.audit.append(records(10));
  await store.close();
  return folder;
}

async function tamper(
  folder: string,
  change: (entries: Database<StoredAuditRecord, number>, marks: Database<AuditMark, string>) => void,
): Promise<void> {
  const root = open(folder, { noSubdir: false, maxDbs: 32 });
  const entries = root.openDB<StoredAuditRecord, number>('audit', {});
  const marks = root.openDB<AuditMark, string>('auditMarks', {});
  await root.transaction(() => change(entries, marks));
  await root.close();
}

async function verify(folder: string) {
  const log = openAuditReader(folder);
  const verdict = log.verify();
  await log.close();
  return verdict;
}

describe('Checking the chain', () => {
  test('passes a log that was not touched', async (t) => {
    const { entries, fault, head } = await verify(await logOfTen(t));
    assert.deepEqual([entries, fault, head.sequence], [10, null, 10]);
  });

  test('passes an empty log', async (t) => {
    const folder = join(temporaryFolder(t), 'data');
    await Store.open(folder).close();
    assert.equal((await verify(folder)).fault, null);
  });

  const changes: Partial<StoredAuditRecord>[] = [
    { at: 1 },
    { accountId: 'acc_2' },
    { accountId: null },
    { actor: { kind: 'member', id: 'key_1' } },
    { actor: { kind: 'key', id: 'key_2' } },
    { action: 'collection.delete' },
    { target: 'other' },
    { result: 'SCOPE_DENIED' },
    { address: null },
    { requestId: 'another' },
    { count: 2 },
    { hash: '0'.repeat(64) },
  ];
  for (const change of changes) {
    test(`names the entry in which ${JSON.stringify(change)} was written`, async (t) => {
      const folder = await logOfTen(t);
      await tamper(folder, (entries) => {
        entries.put(4, { ...(entries.get(4) as StoredAuditRecord), ...change });
      });
      assert.equal((await verify(folder)).fault, 'entry 4 does not follow from the one before it');
    });
  }

  test('names the entry behind one that was rewritten with a right hash of its own', async (t) => {
    const folder = await logOfTen(t);
    await tamper(folder, (entries) => {
      const previous = (entries.get(3) as StoredAuditRecord).hash;
      const forged = record(4, { target: 'other' });
      entries.put(4, { ...forged, hash: auditHash(previous, 4, forged) });
    });
    assert.equal((await verify(folder)).fault, 'entry 5 does not follow from the one before it');
  });

  test('names the first of the entries that were taken out', async (t) => {
    for (const gone of [[1], [5], [5, 6], [1, 2, 3]]) {
      const folder = await logOfTen(t);
      await tamper(folder, (entries) => {
        for (const sequence of gone) entries.remove(sequence);
      });
      assert.equal((await verify(folder)).fault, `entry ${gone[0]} is missing`);
    }
  });

  test('sees that entries changed places', async (t) => {
    const folder = await logOfTen(t);
    await tamper(folder, (entries) => {
      const [third, fourth] = [entries.get(3), entries.get(4)] as [StoredAuditRecord, StoredAuditRecord];
      entries.put(3, fourth);
      entries.put(4, third);
    });
    assert.equal((await verify(folder)).fault, 'entry 3 does not follow from the one before it');
  });

  test('sees that an entry was put in, in the middle or at the end', async (t) => {
    const inside = await logOfTen(t);
    await tamper(inside, (entries) => {
      for (let sequence = 10; sequence >= 5; sequence--) {
        entries.put(sequence + 1, entries.get(sequence) as StoredAuditRecord);
      }
    });
    assert.equal((await verify(inside)).fault, 'entry 6 does not follow from the one before it');
    const behind = await logOfTen(t);
    await tamper(behind, (entries) => entries.put(11, { ...record(11), hash: '1'.repeat(64) }));
    assert.equal((await verify(behind)).fault, 'entry 11 does not follow from the one before it');
  });

  test('sees that the end was cut off', async (t) => {
    const folder = await logOfTen(t);
    await tamper(folder, (entries) => {
      for (const sequence of [9, 10]) entries.remove(sequence);
    });
    assert.equal((await verify(folder)).fault, 'the chain ends with entry 8, but its head is entry 10');
  });

  test('sees that the beginning was cut off, also where the mark of it was moved', async (t) => {
    const folder = await logOfTen(t);
    await tamper(folder, (entries, marks) => {
      const { hash } = entries.get(3) as StoredAuditRecord;
      for (const sequence of [1, 2, 3]) entries.remove(sequence);
      marks.put('base', { sequence: 3, hash });
    });
    assert.equal((await verify(folder)).fault, 'the beginning was removed without an entry that says so');
  });

  test('passes while the store writes on', async (t) => {
    const folder = join(temporaryFolder(t), 'data');
    const store = Store.open(folder);
    const log = openAuditReader(folder);
    for (let round = 0; round < 20; round++) {
      const written = store.audit.append(records(5));
      assert.equal(log.verify().fault, null);
      await written;
    }
    assert.equal(log.verify().entries, 100);
    await log.close();
    await store.close();
  });
});

describe('Shortening the log', () => {
  test('keeps the newest entries, says what went, and leaves a chain that can be checked', async (t) => {
    const folder = join(temporaryFolder(t), 'data');
    const store = Store.open(folder);
    await store.audit.append(records(2500));
    while (await store.audit.truncate({ keep: 100, since: 0, now: 9 }));
    assert.deepEqual(store.check(), []);
    const log = openAuditReader(folder);
    const left = [...log.entries()];
    const marks = left.filter(({ action }) => action === 'audit.truncate');
    assert.equal(
      marks.reduce((sum, { count }) => sum + count, 0),
      2500 + marks.length - left.length,
    );
    assert.ok(left.length <= 101 && left.length >= 100, `${left.length}`);
    assert.equal(log.verify().fault, null);
    await log.close();
    await store.audit.append(records(3));
    assert.deepEqual(store.check(), []);
    await store.close();
  });

  test('removes what is older than a time and nothing else', async (t) => {
    const store = Store.open(join(temporaryFolder(t), 'data'));
    await store.audit.append(records(10));
    assert.equal(await store.audit.truncate({ keep: 1000, since: 4000, now: 11_000 }), false);
    const { entries } = store.audit.page('acc_1', {}, { before: null, limit: 100, scan: 100 });
    assert.deepEqual(
      entries.map(({ target }) => target),
      ['c-10', 'c-9', 'c-8', 'c-7', 'c-6', 'c-5', 'c-4'],
    );
    assert.deepEqual(store.check(), []);
    const head = store.audit.head();
    assert.equal(await store.audit.truncate({ keep: 1000, since: 4000, now: 11_000 }), false);
    assert.deepEqual(store.audit.head(), head);
    await store.close();
  });

  test('survives being hidden: a removed checkpoint is a fault', async (t) => {
    const folder = await logOfTen(t);
    const store = Store.open(folder);
    await store.audit.truncate({ keep: 5, since: 0, now: 1 });
    await store.close();
    await tamper(folder, (entries) => entries.remove(11));
    assert.notEqual((await verify(folder)).fault, null);
  });
});

describe('A page of the log', () => {
  test('walks through the entries of one account, newest first, whatever others write', async (t) => {
    const store = Store.open(join(temporaryFolder(t), 'data'));
    for (let number = 1; number <= 30; number++) {
      await store.audit.append([record(number, { accountId: number % 3 === 0 ? 'acc_1' : 'acc_2' })]);
    }
    const seen: (string | null)[] = [];
    let before: number | null = null;
    do {
      const { entries, next } = store.audit.page('acc_1', {}, { before, limit: 4, scan: 100 });
      seen.push(...entries.map(({ target }) => target));
      before = next;
    } while (before !== null);
    assert.deepEqual(
      seen,
      Array.from({ length: 10 }, (_, at) => `c-${30 - 3 * at}`),
    );
    await store.close();
  });

  test('keeps to its filter and looks at no more entries than it may', async (t) => {
    const store = Store.open(join(temporaryFolder(t), 'data'));
    await store.audit.append(records(50));
    await store.audit.append([record(51, { action: 'key.revoke', actor: { kind: 'member', id: 'm' } })]);
    await store.audit.append(records(50));
    const ask = (filter: object, before: number | null = null) =>
      store.audit.page('acc_1', filter, { before, limit: 100, scan: 40 });
    const first = ask({ action: 'key.revoke' });
    assert.deepEqual(first, { entries: [], next: 62 });
    const second = ask({ action: 'key.revoke' }, first.next);
    assert.deepEqual(
      second.entries.map(({ sequence }) => sequence),
      [51],
    );
    assert.deepEqual(
      ask({ actor: 'm' }, 60).entries.map(({ sequence }) => sequence),
      [51],
    );
    assert.deepEqual(
      ask({ since: 2000, until: 3000 }, 20).entries.map(({ sequence }) => sequence),
      [3, 2],
    );
    await store.close();
  });
});
