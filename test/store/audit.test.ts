import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type Database, open } from 'lmdb';
import { auditHash, groupOf, TRUNCATE_ANONYMOUS_ACTION } from '../../src/store/audit-chain.ts';
import { withGap } from '../../src/store/audit-gaps.ts';
import { openAuditReader } from '../../src/store/audit-reader.ts';
import type { AuditMark, GapMark, NewAuditRecord, StoredAuditRecord } from '../../src/store/audit-records.ts';
import { Store } from '../../src/store/store.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

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
    environment: 'live',
    collectionId: null,
    ...more,
  };
}

const records = (count: number) => Array.from({ length: count }, (_, at) => record(at + 1));

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
  const root = open(folder, { noSubdir: false, maxDbs: 64 });
  const entries = root.openDB<StoredAuditRecord, number>('audit', {});
  const marks = root.openDB<AuditMark, string>('auditMarks', {});
  await root.transaction(() => change(entries, marks));
  await root.close();
}

interface Tampered {
  readonly entries: Database<StoredAuditRecord, number>;
  readonly gaps: Database<AuditMark, number>;
  readonly marks: Database<AuditMark | GapMark, string>;
}

function firstGap(gaps: Database<AuditMark, number>): [number, AuditMark] {
  for (const { key, value } of gaps.getRange({ limit: 1 })) return [key, value];
  throw new Error('there is no gap');
}

function appendAsFirstRelease(
  entries: Database<StoredAuditRecord, number>,
  marks: Database<AuditMark, string>,
  count: number,
  accountId: string | null = 'acc_1',
): void {
  let hash = '0'.repeat(64);
  for (let sequence = 1; sequence <= count; sequence++) {
    const { environment, collectionId, ...old } = record(sequence, {
      accountId,
      actor: { kind: accountId === null ? 'anonymous' : 'key', id: null },
    });
    const { at, actor, action, target, result, address, requestId } = old;
    const fields = [at, accountId, actor.kind, actor.id, action, target, result, address, requestId, 1];
    hash = createHash('sha256')
      .update(JSON.stringify([hash, sequence, ...fields]))
      .digest('hex');
    entries.put(sequence, { ...old, hash });
    marks.put('head', { sequence, hash });
  }
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
    { environment: 'test' },
    { environment: null },
    { collectionId: 'other' },
    { hash: '0'.repeat(64) },
  ];
  for (const change of changes) {
    test(`names the entry in which ${JSON.stringify(change)} was written`, async (t) => {
      const folder = await logOfTen(t);
      await tamper(folder, (entries) => {
        entries.put(4, { ...(entries.get(4) as StoredAuditRecord), ...change });
      });
      assert.equal((await verify(folder)).fault, 'entry 4 does not match its hash');
    });
  }

  test('names the entry behind one that was rewritten with a right hash of its own', async (t) => {
    const folder = await logOfTen(t);
    await tamper(folder, (entries) => {
      const previous = (entries.get(3) as StoredAuditRecord).hash;
      const forged = record(4, { target: 'other' });
      entries.put(4, { ...forged, hash: auditHash(previous, 4, forged) });
    });
    assert.equal((await verify(folder)).fault, 'entry 5 does not match its hash');
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
    assert.equal((await verify(folder)).fault, 'entry 3 does not match its hash');
  });

  test('sees that an entry was put in, in the middle or at the end', async (t) => {
    const inside = await logOfTen(t);
    await tamper(inside, (entries) => {
      for (let sequence = 10; sequence >= 5; sequence--) {
        entries.put(sequence + 1, entries.get(sequence) as StoredAuditRecord);
      }
    });
    assert.equal((await verify(inside)).fault, 'entry 6 does not match its hash');
    const behind = await logOfTen(t);
    await tamper(behind, (entries) => entries.put(11, { ...record(11), hash: '1'.repeat(64) }));
    assert.equal((await verify(behind)).fault, 'entry 11 does not match its hash');
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
    assert.equal((await verify(folder)).fault, 'entries were removed, but no truncation entry records it');
  });

  test('sees that the hash of the head is another one', async (t) => {
    const folder = await logOfTen(t);
    await tamper(folder, (_, marks) => marks.put('head', { sequence: 10, hash: '7'.repeat(64) }));
    assert.equal((await verify(folder)).fault, 'the head record does not hold the hash of entry 10');
  });

  test('passes a chain that the first release began and this one went on with', async (t) => {
    const folder = join(temporaryFolder(t), 'data');
    await Store.open(folder).close();
    await tamper(folder, (entries, marks) => appendAsFirstRelease(entries, marks, 5));
    const store = Store.open(folder);
    await store.audit.append(records(3));
    await store.close();
    const { entries, fault } = await verify(folder);
    assert.deepEqual([entries, fault], [8, null]);
  });

  test('sees what was added to an entry of the first release', async (t) => {
    for (const added of [{ environment: 'live' }, { environment: null }, { collectionId: 'c' }] as const) {
      const folder = join(temporaryFolder(t), 'data');
      await Store.open(folder).close();
      await tamper(folder, (entries, marks) => {
        appendAsFirstRelease(entries, marks, 5);
        entries.put(2, { ...(entries.get(2) as StoredAuditRecord), ...added });
      });
      assert.equal((await verify(folder)).fault, 'entry 2 does not match its hash');
    }
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

test('A page of the log may hold more entries than one read of the index', async (t) => {
  const store = Store.open(join(temporaryFolder(t), 'data'));
  t.after(() => store.close());
  await store.audit.append(records(600));
  const { entries, next } = await store.audit.page('acc_1', {}, { before: null, limit: 1_000, scan: 10_000 });
  assert.deepEqual([entries.length, entries.at(-1)?.sequence, next], [600, 1, null]);
});

test('The truncation of anonymous entries counts among anonymous entries', () => {
  const actor = { kind: 'system', id: null } as const;
  const entry = (action: string) => record(1, { accountId: null, actor, action });
  assert.equal(groupOf(entry(TRUNCATE_ANONYMOUS_ACTION)), 'anonymous');
  assert.equal(groupOf(entry('service.start')), 'appliance');
});

describe('Shortening the log', () => {
  test('keeps the newest entries, says what went, and leaves a chain that can be checked', async (t) => {
    const folder = join(temporaryFolder(t), 'data');
    const store = Store.open(folder);
    await store.audit.append(records(2500));
    await store.audit.truncate({ keep: 100, since: 0, now: 9 });
    assert.deepEqual(store.check(), []);
    const log = openAuditReader(folder);
    const left = [...log.entries()];
    const marks = left.filter(({ action }) => action === 'audit.truncate');
    assert.equal(
      marks.reduce((sum, { count }) => sum + count, 0),
      2500 + marks.length - left.length,
    );
    assert.equal(left.length, 100);
    assert.equal(log.verify().fault, null);
    await log.close();
    await store.audit.append(records(3));
    assert.deepEqual(store.check(), []);
    await store.close();
  });

  test('removes what is older than a time and nothing else', async (t) => {
    const store = Store.open(join(temporaryFolder(t), 'data'));
    await store.audit.append(records(10));
    await store.audit.truncate({ keep: 1000, since: 4000, now: 11_000 });
    const { entries } = await store.audit.page('acc_1', {}, { before: null, limit: 100, scan: 100 });
    assert.deepEqual(
      entries.map(({ target }) => target),
      ['c-10', 'c-9', 'c-8', 'c-7', 'c-6', 'c-5', 'c-4'],
    );
    assert.deepEqual(store.check(), []);
    const head = store.audit.head();
    await store.audit.truncate({ keep: 1000, since: 4000, now: 11_000 });
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

describe('Shortening the log by number', () => {
  async function busyLog(t: TestContext): Promise<{ folder: string; store: Store }> {
    const folder = join(temporaryFolder(t), 'data');
    const store = Store.open(folder);
    const turns = Array.from({ length: 600 }, (_, at) => {
      const accountId = at % 12 === 0 ? 'acc_2' : at % 12 === 6 ? 'acc_3' : 'acc_1';
      return record(at + 1, { accountId });
    });
    await store.audit.append(turns);
    return { folder, store };
  }

  const targets = async ({ audit }: Store, accountId: string) => {
    const { entries } = await audit.page(accountId, {}, { before: null, limit: 1000, scan: 5000 });
    return entries.flatMap(({ target, action }) => (action === 'collection.create' ? [target] : []));
  };

  test('takes the entries of the account that has most, and leaves a chain that can be checked', async (t) => {
    const { folder, store } = await busyLog(t);
    const others = [await targets(store, 'acc_2'), await targets(store, 'acc_3')];
    assert.deepEqual([others[0]?.length, others[1]?.length], [50, 50]);
    const busiest = await targets(store, 'acc_1');
    await store.audit.truncate({ keep: 200, since: 0, now: 700_000 });
    assert.deepEqual([await targets(store, 'acc_2'), await targets(store, 'acc_3')], others);
    const left = await targets(store, 'acc_1');
    assert.deepEqual(left, busiest.slice(0, left.length));
    assert.ok(left.length >= 80 && left.length < 120, `${left.length}`);
    assert.deepEqual(store.check(), []);
    const { entries, removed, fault } = await verify(folder);
    assert.deepEqual([fault, entries], [null, 200]);
    assert.equal(removed, store.audit.head().sequence - 200);
    await store.audit.append(records(300));
    await store.audit.truncate({ keep: 150, since: 0, now: 700_000 });
    assert.deepEqual([await targets(store, 'acc_2'), await targets(store, 'acc_3')], others);
    await store.audit.truncate({ keep: 150, since: 300_000, now: 700_000 });
    await store.audit.truncate({ keep: 150, since: 699_000, now: 700_000 });
    assert.deepEqual(await targets(store, 'acc_2'), []);
    assert.deepEqual(store.check(), []);
    await store.close();
  });

  test('tells anonymous entries from those of the whole appliance', async (t) => {
    const folder = join(temporaryFolder(t), 'data');
    const store = Store.open(folder);
    const operator = { accountId: null, actor: { kind: 'operator', id: null } } as const;
    await store.audit.append([record(1, { ...operator, action: 'tokens.rotate' })]);
    const anonymous = { accountId: null, actor: { kind: 'anonymous', id: null } } as const;
    for (let round = 0; round < 5; round++) {
      await store.audit.append(records(500).map((each) => ({ ...each, ...anonymous })));
      await store.audit.truncate({ keep: 100, since: 0, now: 9 });
    }
    const log = openAuditReader(folder);
    const actions = [...log.entries()].map(({ action }) => action);
    assert.equal(actions.filter((action) => action === 'tokens.rotate').length, 1);
    assert.equal(actions.length, 100);
    assert.deepEqual([log.verify().fault, store.check()], [null, []]);
    await log.close();
    await store.close();
  });

  test('finds entries of the first release that name no account', async (t) => {
    const folder = join(temporaryFolder(t), 'data');
    await Store.open(folder).close();
    await tamper(folder, (entries, marks) => appendAsFirstRelease(entries, marks, 300, null));
    const store = Store.open(folder);
    await store.audit.append(records(20));
    await store.audit.truncate({ keep: 100, since: 0, now: 9 });
    assert.equal((await targets(store, 'acc_1')).length, 20);
    assert.deepEqual([(await verify(folder)).entries, store.check()], [100, []]);
    await store.close();
  });

  test('ends where every account has one entry left', async (t) => {
    const folder = join(temporaryFolder(t), 'data');
    const store = Store.open(folder);
    await store.audit.append(
      Array.from({ length: 30 }, (_, at) => record(at + 1, { accountId: `acc_${at}` })),
    );
    await store.audit.truncate({ keep: 5, since: 0, now: 9 });
    assert.equal((await verify(folder)).entries, 30);
    await store.close();
  });

  const removals: Readonly<Record<string, (into: Tampered) => void>> = {
    'an entry beside a gap, with the gap made longer': ({ entries, gaps }) => {
      const [first, last] = firstGap(gaps);
      const gone = entries.get(last.sequence + 1) as StoredAuditRecord;
      entries.remove(last.sequence + 1);
      gaps.put(first, { sequence: last.sequence + 1, hash: gone.hash });
    },
    'an entry away from every gap, with a gap in its place': ({ entries, gaps }) => {
      const last = Math.max(...entries.getKeys());
      const gone = entries.get(last - 3) as StoredAuditRecord;
      entries.remove(last - 3);
      gaps.put(last - 3, { sequence: last - 3, hash: gone.hash });
    },
    'an entry, with a gap in its place and the hash over the gaps made anew': ({ entries, gaps, marks }) => {
      const last = Math.max(...entries.getKeys());
      const gone = { sequence: last - 3, hash: (entries.get(last - 3) as StoredAuditRecord).hash };
      entries.remove(last - 3);
      gaps.put(last - 3, gone);
      marks.put('gaps', withGap(marks.get('gaps') as GapMark, last - 3, gone, 1));
    },
    'an entry, in exchange for one that was put into a gap': ({ entries, gaps }) => {
      const [first, last] = firstGap(gaps);
      const previous = entries.get(first - 1) as StoredAuditRecord;
      const forged = record(first);
      entries.put(first, { ...forged, hash: auditHash(previous.hash, first, forged) });
      gaps.remove(first);
      gaps.put(first + 1, last);
    },
    'the newest truncation, so that an older one counts': ({ entries }) => {
      const last = Math.max(...entries.getKeys());
      entries.put(last, { ...(entries.get(last) as StoredAuditRecord), action: 'other' });
    },
  };
  for (const [name, change] of Object.entries(removals)) {
    test(`does not let pass ${name}`, async (t) => {
      const { folder, store } = await busyLog(t);
      await store.audit.truncate({ keep: 200, since: 0, now: 700_000 });
      await store.close();
      const root = open(folder, { noSubdir: false, maxDbs: 64 });
      const into = {
        entries: root.openDB('audit', {}),
        gaps: root.openDB('auditGaps', {}),
        marks: root.openDB('auditMarks', {}),
      } as unknown as Tampered;
      assert.equal((await verify(folder)).fault, null);
      await root.transaction(() => change(into));
      await root.close();
      assert.notEqual((await verify(folder)).fault, null);
    });
  }
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
      const { entries, next } = await store.audit.page('acc_1', {}, { before, limit: 4, scan: 100 });
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
    const first = await ask({ action: 'key.revoke' });
    assert.deepEqual(first, { entries: [], next: 62 });
    const second = await ask({ action: 'key.revoke' }, first.next);
    assert.deepEqual(
      second.entries.map(({ sequence }) => sequence),
      [51],
    );
    assert.deepEqual(
      (await ask({ actor: 'm' }, 60)).entries.map(({ sequence }) => sequence),
      [51],
    );
    assert.deepEqual(
      (await ask({ since: 2000, until: 3000 }, 20)).entries.map(({ sequence }) => sequence),
      [3, 2],
    );
    await store.close();
  });
});
