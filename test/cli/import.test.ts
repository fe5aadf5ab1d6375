import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import {
  childEnvironment,
  ROOT,
  type Service,
  startService,
  temporaryFolder,
  VISAGECTL,
  visagectl,
} from '../../testing/service.ts';

const PHOTOGRAPHS = join(ROOT, 'node_modules/@vladmandic/face-api/demo');
const photograph = (n: number) => readFileSync(join(PHOTOGRAPHS, `sample${n}.jpg`));

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

function put(people: string, person: string, name: string, bytes: Uint8Array): void {
  mkdirSync(join(people, person), { recursive: true });
  writeFileSync(join(people, person, name), bytes);
}

describe('collections', () => {
  test('are made, listed, shown, emptied and deleted', async () => {
    const made = await run('collections', 'create', 'gate', '--description', 'North gate');
    assert.deepEqual([made.code, made.stdout, made.stderr], [0, '', 'Created the collection gate.\n']);
    const again = await run('collections', 'create', 'gate');
    assert.deepEqual(
      [again.code, again.stderr],
      [65, 'visagectl: A collection with this id already exists.\n'],
    );
    const { collections } = await json('collections', 'list');
    const { createdAt, updatedAt, accountId, model, ...rest } = collections[0];
    assert.deepEqual(rest, {
      collectionId: 'gate',
      environment: 'live',
      description: 'North gate',
      faces: 0,
    });
    assert.match((await run('collections', 'show', 'gate')).stdout, /^faces +0$/m);
    const missing = await run('collections', 'show', 'gat');
    assert.equal(missing.code, 65);
    const unsure = await run('collections', 'delete', 'gate');
    assert.equal(unsure.code, 64);
    assert.match(unsure.stderr, /Add --yes/);
    assert.equal((await run('collections', 'reset', 'gate', '--yes')).code, 0);
    assert.equal((await run('collections', 'delete', 'gate', '--yes')).code, 0);
    assert.equal((await run('collections', 'delete', 'gate', '--yes')).code, 65);
    assert.deepEqual(await json('collections', 'list'), { collections: [] });
  });

  test('no key of a command is left', async () => {
    const { keys } = await json('keys', 'list');
    assert.deepEqual(
      keys.map(({ name }: { name: string }) => name),
      ['test'],
    );
  });
});

async function faceIds(collectionId: string, externalKey: string): Promise<string[]> {
  const query = new URLSearchParams({ collectionId, externalKey });
  const { body } = await service.client.call('GET', `/v1/external-key/get-face-ids?${query}`);
  return (body as { faceIds: string[] }).faceIds;
}

describe('import', () => {
  test('adds people by their folders, says what was refused and why, and adds nothing twice', async () => {
    const people = join(folder.path, 'people');
    put(people, 'ada', 'one.jpg', photograph(1));
    put(people, 'ada', 'two.jpg', photograph(3));
    put(people, 'bob', 'one.jpeg', photograph(6));
    put(people, 'bob', 'notes.txt', Buffer.from('no picture'));
    put(people, 'two words', 'one.jpg', photograph(2));
    const grey = { create: { width: 200, height: 200, channels: 3 as const, background: '#888' } };
    put(people, 'eve', 'wall.png', await sharp(grey).png().toBuffer());
    put(people, 'eve', 'broken.jpg', Buffer.from('not a picture at all'));
    await run('collections', 'create', 'staff');

    const first = await run('import', people, '--collection', 'staff');
    assert.equal(first.code, 65);
    assert.match(first.stdout, /^eve\/broken\.jpg {2}(INVALID_IMAGE|UNSUPPORTED_IMAGE) {2}/m);
    assert.match(first.stdout, /^eve\/wall\.png {2}NO_FACE {2}/m);
    assert.match(first.stdout, /^two words\/one\.jpg {2}NAME_NOT_ALLOWED {2}/m);
    assert.match(first.stdout, /^Added 3 images; 0 were added before, 3 were refused\.$/m);
    assert.match(first.stdout, /^Skipped 1 other files \(bob\/notes\.txt\)\.$/m);
    const answer = await service.client.call(
      'GET',
      '/v1/external-key/get-face-ids?collectionId=staff&externalKey=ada',
    );
    assert.equal((answer.body as { faceIds: string[] }).faceIds.length, 2);

    put(people, 'bob', 'later.jpg', await sharp(photograph(6)).flop().jpeg().toBuffer());
    const { added, present, refused } = await json('import', people, '--collection', 'staff');
    assert.deepEqual([added, present, refused.length], [1, 3, 3]);
    assert.match((await run('collections', 'show', 'staff')).stdout, /^faces +4$/m);

    await run('collections', 'reset', 'staff', '--yes');
    const anew = await json('import', people, '--collection', 'staff');
    assert.deepEqual([anew.added, anew.present], [4, 0], 'a journal of faces that are gone does not count');
  });

  test('counts by reason what it does not look at, and follows no link', async () => {
    const people = join(folder.path, 'mixed');
    put(people, 'ada', 'one.jpg', photograph(1));
    put(people, 'ada', 'phone.JXL', Buffer.from('jxl'));
    put(people, 'ada/older', 'two.jpg', photograph(3));
    put(people, '.', 'bob.jpg', photograph(6));
    put(people, '.', 'scan.psd', Buffer.from('psd'));
    put(people, '.', 'Thumbs.db', Buffer.from('x'));
    put(people, 'ada', '._one.jpg', Buffer.from('what macOS leaves'));
    put(folder.path, 'outside', 'secret.jpg', photograph(2));
    symlinkSync(join(folder.path, 'outside'), join(people, 'link'));
    symlinkSync(join(folder.path, 'outside/secret.jpg'), join(people, 'ada', 'link.jpg'));
    execFileSync('mkfifo', [join(people, 'ada', 'pipe.jpg')]);
    await run('collections', 'create', 'mixed');

    const { added, skipped, refused } = await json('import', people, '--collection', 'mixed');
    assert.deepEqual([added, refused], [1, []]);
    const codes = skipped.map(({ path, code }: { path: string; code: string }) => `${code} ${path}`);
    assert.deepEqual(codes.sort(), [
      'LOOSE_IMAGE bob.jpg',
      'NESTED_FOLDER ada/older',
      'NOT_AN_IMAGE Thumbs.db',
      'NOT_AN_IMAGE ada/._one.jpg',
      'NOT_AN_IMAGE ada/pipe.jpg',
      'SYMBOLIC_LINK ada/link.jpg',
      'SYMBOLIC_LINK link',
      'UNSUPPORTED_FORMAT ada/phone.JXL',
      'UNSUPPORTED_FORMAT scan.psd',
    ]);
    const { code, stdout } = await run('import', people, '--collection', 'mixed', '--files');
    assert.equal(code, 65, 'images were left out');
    assert.match(stdout, /^Added 1 images; 1 were added before, 0 were refused\.$/m);
    assert.match(stdout, /^Skipped 2 images in an unsupported format: convert them to JPEG \(/m);
    assert.match(stdout, /^Skipped 2 symbolic links, which are not followed/m);
    assert.deepEqual((await faceIds('mixed', 'bob')).length, 1);

    const planted = join(folder.path, 'planted');
    symlinkSync(planted, join(people, '.visage-import-live-planted.jsonl'));
    await run('collections', 'create', 'planted');
    const refusedJournal = await run('import', people, '--collection', 'planted');
    assert.deepEqual([refusedJournal.code, existsSync(planted)], [65, false]);
    assert.match(refusedJournal.stderr, /Cannot write the journal .* \(symbolic link\)/);
  });

  test('takes external keys from a map, however the file system writes umlauts, and shows them before', async () => {
    const people = join(folder.path, 'umlauts');
    put(people, 'Ju\u0308rgen Groß', 'one.jpg', photograph(1));
    put(people, 'Łukasz', 'one.jpg', photograph(6));
    put(people, '.', 'frau müller.jpg', photograph(4));
    await run('collections', 'create', 'umlauts');
    const bare = await run('import', people, '--collection', 'umlauts', '--dry-run');
    assert.equal(bare.code, 65);
    assert.ok(
      bare.stdout.includes('Assign one with --map FILE.csv, for example in the line: "Łukasz",employee-7'),
    );
    assert.match(bare.stdout, /^Nothing was added: this was a dry run\.$/m);

    const map = join(folder.path, 'names.csv');
    const text =
      '\ufeffname,external_key\r\n"J\u00fcrgen Groß",emp-1\r\nŁukasz,emp-2\r\nfrau müller.jpg,emp-3\r\nZoë,emp-4\r\n';
    writeFileSync(map, text);
    const args = ['import', people, '--collection', 'umlauts', '--map', map];
    const plan = await json(...args, '--dry-run');
    assert.deepEqual(
      plan.people.map(({ name, ...rest }: { name: string }) => ({ name: name.normalize('NFC'), ...rest })),
      [
        { name: 'Jürgen Groß', externalKey: 'emp-1', images: 1 },
        { name: 'frau müller.jpg', externalKey: 'emp-3', images: 1 },
        { name: 'Łukasz', externalKey: 'emp-2', images: 1 },
      ],
    );
    assert.deepEqual([plan.unknown, plan.skipped, plan.refused], [['Zoë'], [], []]);
    assert.ok(!existsSync(join(people, '.visage-import-live-umlauts.jsonl')), 'a dry run writes nothing');
    const done = await run(...args);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /^The folder lacks 1 names of the map \(Zoë\)\.$/m);
    for (const key of ['emp-1', 'emp-2', 'emp-3'])
      assert.equal((await faceIds('umlauts', key)).length, 1, key);
  });

  test('goes on after it was killed, and no picture is there twice', async () => {
    const people = join(folder.path, 'many');
    for (let n = 0; n < 24; n++) {
      const brightness = 0.8 + n / 50;
      const picture = sharp(photograph(6)).resize(320).modulate({ brightness });
      put(people, `person-${n % 5}`, `${n}.jpg`, await picture.jpeg().toBuffer());
    }
    await run('collections', 'create', 'many');
    const journal = join(people, '.visage-import-live-many.jsonl');
    const environment = childEnvironment({ VISAGE_DATA_DIR: service.folder });
    const child = spawn(VISAGECTL, ['import', people, '--collection', 'many'], {
      env: environment,
      cwd: ROOT,
    });
    child.stdout.resume();
    child.stderr.resume();
    const lines = () => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').length : 0);
    while (lines() < 12) await delay(2);
    child.kill('SIGKILL');
    await once(child, 'close');
    appendFileSync(journal, '{"path":"person-0/0.j');
    const { collections } = await json('collections', 'list');
    const before = collections.find(
      ({ collectionId }: { collectionId: string }) => collectionId === 'many',
    ).faces;
    assert.ok(before > 0 && before < 24, `${before} of 24 were added`);

    const rest = await json('import', people, '--collection', 'many');
    assert.deepEqual([rest.added + rest.present, rest.refused], [24, []]);
    assert.ok(rest.present >= before - 1);
    assert.match((await run('collections', 'show', 'many')).stdout, /^faces +24$/m);
  });

  test('finds the face of each image whose answer was lost, among images that match each other', async () => {
    const people = join(folder.path, 'alike');
    for (const [n, blur] of [0.9, 0.3].entries()) {
      const picture = sharp(photograph(6)).resize(320).blur(blur);
      put(people, 'person', `${n}.jpg`, await picture.jpeg().toBuffer());
    }
    await run('collections', 'create', 'alike');
    const journal = join(people, '.visage-import-live-alike.jsonl');
    const both = readdirSync(join(people, 'person'));
    renameSync(join(people, 'person', '0.jpg'), join(folder.path, '0.jpg'));
    await json('import', people, '--collection', 'alike');
    const [face] = await faceIds('alike', 'person');
    renameSync(join(folder.path, '0.jpg'), join(people, 'person', '0.jpg'));
    writeFileSync(
      journal,
      both.map((name) => JSON.stringify({ path: `person/${name}`, faceId: null })).join('\n'),
    );
    const rest = await json('import', people, '--collection', 'alike');
    assert.deepEqual([rest.added, rest.present], [1, 1]);
    const entries = readFileSync(journal, 'utf8').trim().split('\n').filter(Boolean);
    assert.ok(entries.includes(JSON.stringify({ path: 'person/1.jpg', faceId: face })));
    assert.equal((await faceIds('alike', 'person')).length, 2);
  });

  test('says what to do where there is no collection, no folder, no picture', async () => {
    const missing = await run('import', join(folder.path, 'people'), '--collection', 'nobody');
    assert.match(missing.stderr, /Create it with `visagectl collections create nobody`/);
    assert.match(
      (await run('import', '/nowhere', '--collection', 'staff')).stderr,
      /Cannot read \/nowhere: ENOENT/,
    );
    mkdirSync(join(folder.path, 'empty'));
    const empty = await run('import', join(folder.path, 'empty'), '--collection', 'staff');
    assert.deepEqual([empty.code, /Found no images in/.test(empty.stderr)], [65, true]);
  });
});

describe('status', () => {
  test('of a service that is ready says what it holds and when it was backed up', async () => {
    const { folder: backup } = await json('backup', '--to', join(folder.path, 'backups'));
    const { code, stdout } = await run('status');
    assert.equal(code, 0);
    assert.match(stdout, /^service +ready$/m);
    assert.match(stdout, /^device +(cpu|cuda|tensorrt)$/m);
    assert.match(stdout, /^faces +\d+ in \d+ collections$/m);
    assert.ok(stdout.includes(backup));
  });

  test('without a service says so, and commands that need one too', async () => {
    const empty = await temporaryFolder();
    const settings = { VISAGE_DATA_DIR: empty.path };
    const { code, stdout } = await visagectl(['status'], settings);
    assert.deepEqual([code, /^service +stopped$/m.test(stdout)], [69, true]);
    const import_ = await visagectl(['collections', 'create', 'a'], settings);
    assert.equal(import_.code, 69);
    assert.match(import_.stderr, /No service runs on .* Start it/);
    await empty.remove();
  });
});
