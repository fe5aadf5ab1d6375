import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from '../../src/api/caller.ts';
import { makeBackup } from '../../src/store/backup.ts';
import { BackupKey } from '../../src/store/backup-key.ts';
import { compactStore } from '../../src/store/compact.ts';
import type { Store } from '../../src/store/store.ts';
import { attack, isFull } from '../../testing/attack.ts';
import { portrait } from '../../testing/photographs.ts';
import { startService, temporaryFolder, visagectl } from '../../testing/service.ts';
import { FACE, rowOf, storeWithCollection } from '../../testing/temporary-store.ts';

const FACES = isFull ? 1_000 : 100;
const nameOf = (n: number) => `deleted-person-${n}-of-many`;

function bytesBelow(folder: string): Buffer {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Buffer.concat(files.map((file) => readFileSync(file)));
}

const WAYS: Readonly<
  Record<string, (store: Store, owner: Owner, faceIds: readonly string[]) => Promise<void>>
> = {
  'face by face': async (store, owner, faceIds) => {
    await Promise.all(faceIds.map((faceId) => store.faces.removeById(owner, 'people', faceId)));
  },
  'by external key': async (store, owner, faceIds) => {
    for (const n of faceIds.keys()) {
      for await (const _ of store.faces.removeByExternalKey(owner, 'people', nameOf(n)));
    }
  },
  'with their collection': async (store, owner) => {
    await store.collections.delete(owner, 'people');
  },
};

attack('Nothing of deleted people is in a backup, nor in the store once it is compacted', async (tally) => {
  for (const [way, remove] of Object.entries(WAYS)) {
    const folder = await temporaryFolder();
    const [data, backups] = [join(folder.path, 'data'), join(folder.path, 'backups')];
    const { store, owner } = await storeWithCollection(data);
    const adding = Array.from({ length: FACES }, async (_, n) => {
      const key = { externalKey: nameOf(n), allowDuplicates: true };
      return (await store.faces.add(owner, 'people', FACE, rowOf(n), key)).faceId;
    });
    await remove(store, owner, await Promise.all(adding));
    await store.close();
    mkdirSync(backups);
    const key = new BackupKey(Buffer.alloc(32, 1));
    await makeBackup(data, backups, { key, keep: null, version: '0', now: new Date() });
    assert.ok(
      bytesBelow(data).includes('deleted-person-'),
      'the store forgets by itself, and this attack shows nothing',
    );
    await compactStore(data);
    for (const [place, bytes] of Object.entries({ backup: bytesBelow(backups), store: bytesBelow(data) })) {
      for (let n = 0; n < FACES; n++) {
        const template = Buffer.from(rowOf(n).buffer);
        tally.attempt(`the ${place} names person ${n}, deleted ${way}`, bytes.includes(nameOf(n)));
        tally.attempt(`the ${place} has template ${n}, deleted ${way}`, bytes.includes(template));
      }
    }
    await folder.remove();
  }
});

attack('No log tells an external key, nor a hash by which to try names', async (tally) => {
  const service = await startService({ VISAGE_LOG_LEVEL: 'trace' });
  const { client, folder } = service;
  const image = { bytes: (await portrait('anna')).toString('base64') };
  const names = ['eleanor.rigby@example.com', 'employee-4711-rigby', 'Jürgen-rigby'.normalize('NFKD')];
  const call = (method: string, target: string, json?: unknown) =>
    client.call(method, target, json === undefined ? {} : { json });
  await client.ok('POST', '/v1/collection/create', { json: { collectionId: 'staff' } });
  for (const externalKey of names) {
    const query = `collectionId=staff&externalKey=${encodeURIComponent(externalKey)}`;
    await call('POST', '/v1/face/enroll', { collectionId: 'staff', externalKey, image });
    await call('POST', '/v1/face/verify', { collectionId: 'staff', externalKey, image });
    await call('GET', `/v1/external-key/get-face-ids?${query}`);
    await call('DELETE', `/v1/face/delete?${query}`);
    await call('DELETE', `/v1/external-key/delete?${query}`);
    await call('DELETE', `/v1/face/delete?${query}&nothing=1`);
  }
  const settings = { VISAGE_DATA_DIR: folder };
  let audit = '';
  for (let tries = 0; tries < 20 && !audit.includes('face.delete'); tries++) {
    audit = (await visagectl(['audit', 'export'], settings)).stdout;
  }
  const shown = JSON.stringify(await client.ok('GET', '/v1/audit?limit=1000'));
  const places = {
    log: service.child.stdout() + service.child.stderr(),
    'audit export': audit,
    'audit call': shown,
  };
  const accountId = (await service.key()).account_id;
  await service.stop();
  assert.match(audit, /external-key:/);
  for (const [place, text] of Object.entries(places)) {
    for (const name of names) {
      const guesses = [name, `${accountId}${name}`, `${accountId}:${name}`, `external-key:${name}`];
      const hashes = guesses.flatMap((guess) =>
        ['md5', 'sha1', 'sha256', 'sha512'].map((hash) =>
          createHash(hash).update(guess).digest('hex').slice(0, 32),
        ),
      );
      for (const spelling of [name, encodeURIComponent(name), Buffer.from(name).toString('base64url')]) {
        tally.attempt(`the ${place} has ${spelling}`, text.includes(spelling));
      }
      for (const hash of hashes) tally.attempt(`the ${place} has a hash of ${name}`, text.includes(hash));
    }
  }
});
