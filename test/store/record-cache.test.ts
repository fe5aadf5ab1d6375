import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from 'lmdb';
import { RecordCache } from '../../src/store/record-cache.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

test('A value is read again when the store has changed, and as long as it is changing', async (t) => {
  const environment = open(temporaryFolder(t), { noSubdir: false, overlappingSync: false });
  const db = environment.openDB<{ readonly n: number }, string>('values', {});
  let version = 0;
  const remembered = new RecordCache({ version: () => version }, db);

  await db.put('a', { n: 1 });
  const first = remembered.get('a');
  assert.deepEqual(first, { n: 1 });
  await db.put('a', { n: 2 });
  assert.equal(
    remembered.get('a'),
    first,
    'the database was asked although nothing said that it had changed',
  );

  version = Number.NaN;
  assert.deepEqual(remembered.get('a'), { n: 2 });
  await db.put('a', { n: 3 });
  const last = remembered.get('a');
  assert.deepEqual(last, { n: 3 });

  version = 1;
  assert.equal(remembered.get('a'), last, 'the same bytes were taken apart again');
  await db.remove('a');
  version = 2;
  assert.equal(remembered.get('a'), undefined);
  await environment.close();
});

test('Keys of several parts are told apart', async (t) => {
  const environment = open(temporaryFolder(t), { noSubdir: false, overlappingSync: false });
  const db = environment.openDB<string, [string, string]>('values', {});
  const remembered = new RecordCache({ version: () => 1 }, db);
  await db.put(['a', 'b'], 'ab');
  await db.put(['a', 'b,c'], 'abc');
  assert.equal(remembered.get(['a', 'b']), 'ab');
  assert.equal(remembered.get(['a', 'b,c']), 'abc');
  assert.equal(remembered.get(['a', 'c']), undefined);
  await environment.close();
});
