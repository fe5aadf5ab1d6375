import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { photograph } from '../../testing/photographs.ts';
import { type Child, Client, startChild, temporaryFolder, visagectl } from '../../testing/service.ts';
import { Contract } from './contract.ts';

interface Entry {
  readonly sequence: number;
  readonly action: string;
  readonly actor: { readonly kind: string; readonly id: string | null };
  readonly target: string | null;
  readonly result: string;
  readonly address: string | null;
  readonly requestId: string | null;
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let child: Child;
const settings = () => ({ VISAGE_DATA_DIR: folder.path });

before(async () => {
  folder = await temporaryFolder();
  child = await startChild(folder.path, { VISAGE_ALLOWED_ORIGINS: 'https://app.example' });
});
after(async () => {
  await child.stop();
  await folder.remove();
});

async function ctl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await visagectl(args, settings());
  assert.equal(code, 0, stderr);
  return stdout;
}

async function exported(): Promise<Entry[]> {
  const text = await ctl('audit', 'export');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry);
}

async function exportedWith(...results: string[]): Promise<Entry[]> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const entries = await exported();
    if (results.every((result) => entries.some((entry) => entry.result === result))) return entries;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`Not all of ${results} were recorded`);
}

test('What was done and refused is in the log with who and from where, and no secret is', async () => {
  const document = await (await fetch(`${child.url}/openapi.json`)).json();
  const contract = new Contract(document as never);
  const key = (await ctl('keys', 'create', '--name', 'first')).trim();
  const narrow = (
    await ctl('keys', 'create', '--name', 'narrow', '--scope', 'v1:faces', '--collection', 'people')
  ).trim();
  const client = new Client(child.url, contract, key);
  const secrets = {
    key,
    narrow,
    unknown: `fr_live_${randomBytes(16).toString('hex')}`,
    description: randomBytes(16).toString('hex'),
    externalKey: `employee-${randomBytes(8).toString('hex')}`,
    password: randomBytes(16).toString('hex'),
    image: randomBytes(64).toString('base64'),
  };

  const people = { collectionId: 'people', description: secrets.description };
  await client.ok('POST', '/v1/collection/create', { json: people, headers: { 'X-Request-Id': 'made-it' } });
  await client.ok('POST', '/v1/collection/create', { json: { collectionId: 'others' } });
  const visitor = { collectionId: 'others', image: { bytes: photograph(1).toString('base64') } };
  const { faceId } = await client.ok('POST', '/v1/face/index', { json: visitor });
  const { externalKey } = secrets;
  await client.ok('PUT', '/v1/external-key/set', { json: { collectionId: 'others', faceId, externalKey } });
  await client.ok('DELETE', `/v1/face/delete?collectionId=others&externalKey=${externalKey}`);
  await client.ok('DELETE', '/v1/collection/reset?collectionId=people');
  await client.ok('DELETE', '/v1/collection/delete?collectionId=people');
  const search = { image: { bytes: secrets.image }, collectionId: 'others' };
  await new Client(child.url, contract, secrets.unknown).refused(
    'INVALID_API_KEY',
    'POST',
    '/v1/face/search',
    {
      json: search,
    },
  );
  const limited = new Client(child.url, contract, narrow);
  await limited.refused('SCOPE_DENIED', 'POST', '/v1/collection/create', { json: people });
  await limited.refused('COLLECTION_NOT_ALLOWED', 'POST', '/v1/face/search', { json: search });
  await limited.refused('SCOPE_DENIED', 'GET', '/v1/audit');
  await fetch(`${child.url}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: 'nobody@example.com', password: secrets.password }),
  });
  const { keys } = JSON.parse(await ctl('keys', 'list', '--json')) as {
    keys: { id: string; name: string }[];
  };
  const [first, second] = ['first', 'narrow'].map(
    (name) => keys.find((each) => each.name === name)?.id as string,
  );
  await ctl('keys', 'revoke', second as string);

  const entries = await exportedWith(
    'INVALID_API_KEY',
    'SCOPE_DENIED',
    'COLLECTION_NOT_ALLOWED',
    'INVALID_CREDENTIALS',
  );
  const find = (action: string, result = 'ok') =>
    entries.find((entry) => entry.action === action && entry.result === result);
  const made = find('collection.create');
  assert.deepEqual(
    [made?.actor, made?.target, made?.address, made?.requestId],
    [{ kind: 'key', id: first }, 'people', '127.0.0.1', 'made-it'],
  );
  assert.equal(find('collection.reset')?.target, 'people');
  assert.equal(find('collection.delete')?.target, 'people');
  assert.deepEqual(find('searchFace', 'INVALID_API_KEY')?.actor, { kind: 'anonymous', id: null });
  assert.deepEqual(find('collection.create', 'SCOPE_DENIED')?.actor, { kind: 'key', id: second });
  assert.deepEqual(find('searchFace', 'COLLECTION_NOT_ALLOWED')?.actor, { kind: 'key', id: second });
  assert.ok(find('member.login', 'INVALID_CREDENTIALS'));
  assert.deepEqual(find('api-key.revoke')?.actor, { kind: 'operator', id: null });
  assert.equal(find('api-key.revoke')?.target, second);
  assert.equal(find('setting.widen')?.target, 'allowed_origins has https://app.example');

  const raw = await ctl('audit', 'export');
  for (const [name, secret] of Object.entries(secrets)) assert.ok(!raw.includes(secret), name);
  assert.ok(!JSON.stringify(child.log).includes(key));

  const page = await client.ok('GET', '/v1/audit?limit=3');
  assert.equal(page.entries.length, 3);
  const older = await client.ok('GET', `/v1/audit?limit=1000&cursor=${page.nextCursor}`);
  const listed = [...page.entries, ...older.entries].map(({ sequence }: Entry) => sequence);
  const own = entries.filter(({ actor, action }) => actor.kind !== 'anonymous' && action !== 'setting.widen');
  assert.deepEqual(listed, own.map(({ sequence }) => sequence).reverse());
  const filtered = await client.ok('GET', `/v1/audit?action=collection.create&actor=${first}`);
  assert.deepEqual(
    filtered.entries.map(({ target }: Entry) => target),
    ['others', 'people'],
  );
  const about = await client.ok('GET', `/v1/audit?target=${secrets.externalKey}`);
  assert.deepEqual(
    about.entries.map(({ action }: Entry) => action),
    ['face.delete'],
  );
  assert.match(about.entries[0].target, /^external-key:[0-9a-f]{32}$/);
  await client.refused('VALIDATION_FAILED', 'GET', '/v1/audit?since=2026-99-99T00:00:00Z');
  await client.refused('VALIDATION_FAILED', 'GET', '/v1/audit?cursor=0');
});

test('The log is verified while the service runs, and against a head that was printed earlier', async () => {
  const head = (await ctl('audit', 'verify')).trim();
  assert.match(head, /^\d+:[0-9a-f]{64}$/);
  await ctl('keys', 'create', '--name', 'later');
  await ctl('audit', 'verify', '--expect', head);
  const other = await visagectl(['audit', 'verify', '--expect', `1:${'0'.repeat(64)}`], settings());
  assert.equal(other.code, 65);
  assert.match(other.stderr, /entry 1 does not have the expected hash/);
});

test('Refusals that were only counted are written when the service stops, and the chain is whole', async () => {
  const before = (await exported()).length;
  for (let i = 0; i < 20; i++) {
    await fetch(`${child.url}/v1/billing/balance`, { headers: { 'X-API-Key': 'wrong' } });
  }
  assert.equal(await child.stop(), 0);
  const entries = (await exported()).slice(before) as (Entry & { count: number })[];
  const refused = entries.filter(({ action }) => action === 'getBalance');
  assert.equal(
    refused.reduce((sum, { count }) => sum + count, 0),
    20,
  );
  assert.ok(refused.length <= 2);
  await ctl('audit', 'verify');
});
