import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { differentPeople, samePerson } from '../../testing/sample-faces.ts';
import { type Service, startService, temporaryFolder, visagectl } from '../../testing/service.ts';

let service: Service;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
before(async () => {
  service = await startService();
  folder = await temporaryFolder();
});
after(async () => {
  await service.stop();
  await folder.remove();
});

const run = (...args: string[]) => visagectl(args, { VISAGE_DATA_DIR: service.folder });

async function json(...args: string[]) {
  const { stdout, stderr } = await run(...args, '--json');
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

test('Planted faults of a collection of photographs are found, mended and brought back', async () => {
  const people = await differentPeople();
  const [first, second] = await samePerson();
  const put = (key: string, name: string, image: Buffer) => {
    mkdirSync(join(folder.path, key), { recursive: true });
    writeFileSync(join(folder.path, key, name), image);
  };
  for (const [i, image] of people.slice(1, 15).entries()) put(`person-${i}`, 'a.jpg', image);
  put('twice', 'a.jpg', first);
  put('again', 'a.jpg', second);
  put('person-3', 'b.jpg', people[18] as Buffer);
  const small = sharp(
    await sharp(people[15] as Buffer)
      .resize(44)
      .toBuffer(),
  )
    .resize(160)
    .blur(2);
  put('poor', 'a.jpg', await small.jpeg().toBuffer());
  await run('collections', 'create', 'staff');
  const { code, stderr } = await run('import', folder.path, '--collection', 'staff');
  assert.equal(code, 0, stderr);

  const report = await json('collections', 'examine', 'staff');
  const shown = report.findings
    .filter(({ kind }: { kind: string }) => kind !== 'look-alike')
    .map(
      ({ kind, proposal, groups }: { kind: string; proposal: string; groups: { externalKey: string }[] }) => [
        kind,
        proposal,
        groups.map(({ externalKey }) => externalKey).sort(),
      ],
    );
  assert.deepEqual(shown.slice(0, 2), [
    ['duplicate', 'merge', ['again', 'twice']],
    ['mixed', 'split', ['person-3', 'person-3']],
  ]);
  const rest = shown.slice(2).map((each: unknown) => JSON.stringify(each));
  assert.ok(rest.includes(JSON.stringify(['low-quality', 're-enrol', ['poor']])));
  assert.ok(rest.length <= 2 && rest.every((each: string) => each.startsWith('["low-quality"')));

  const listed = async () => (await json('collections', 'show', 'staff')).collections[0].faces;
  const faces = await listed();
  const poor = report.findings.find(({ kind }: { kind: string }) => kind === 'low-quality').findingId;
  const text = await run('collections', 'examine', 'staff');
  assert.match(text.stdout, /^fnd_\w{26} +duplicate +merge +similarity [\d.]+ +(twice|again) \(1\)/m);
  assert.match(text.stderr, /findings\.\n$/);
  const old = await run('collections', 'examine', 'staff', '--apply', poor);
  assert.equal(old.code, 65, 'a finding of an earlier examination');
  const { findings } = await json('collections', 'examine', 'staff');
  const { findingId } = findings.find(
    ({ kind, groups }: { kind: string; groups: { externalKey: string }[] }) =>
      kind === 'low-quality' && groups[0]?.externalKey === 'poor',
  );
  const applied = await run('collections', 'examine', 'staff', '--apply', findingId);
  assert.deepEqual([applied.code, applied.stderr], [0, `Applied the proposal of ${findingId}.\n`]);
  assert.equal(await listed(), faces - 1);
  const undone = await run('collections', 'examine', 'staff', '--undo', findingId);
  assert.deepEqual([undone.code, undone.stderr], [0, `Undid the proposal of ${findingId}.\n`]);
  assert.equal(await listed(), faces);
  const dismissed = await run('collections', 'examine', 'staff', '--dismiss', findingId);
  assert.deepEqual([dismissed.code, dismissed.stderr], [0, `Dismissed ${findingId}.\n`]);
  const later = await run('collections', 'examine', 'staff');
  assert.doesNotMatch(later.stdout, / low-quality +re-enrol .*poor/);
  assert.match(later.stderr, /1 dismissed findings are not listed; --dismissed lists them\.\n$/);
  const all = await run('collections', 'examine', 'staff', '--dismissed');
  const [, hidden = ''] = /^(fnd_\w{26}) +low-quality +dismissed .*poor/m.exec(all.stdout) ?? [];
  const restored = await run('collections', 'examine', 'staff', '--restore', hidden);
  assert.deepEqual([restored.code, restored.stderr], [0, `Restored ${hidden}.\n`]);
  const both = await run('collections', 'examine', 'staff', '--undo', findingId, '--apply', findingId);
  assert.equal(both.code, 64);
});
