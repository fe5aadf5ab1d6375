import assert from 'node:assert/strict';
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { SigningKeys } from '../../src/access/tokens/signing-keys.ts';
import { type Child, setupCodeOf, startChild, temporaryFolder, visagectl } from '../../testing/service.ts';
import {
  assemble,
  base64url,
  type Claims,
  decoded,
  foreignCurveKey,
  foreignKey,
  hmac,
  publicKeySpellings,
  rsa,
} from './token-forger.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let child: Child;
let own: KeyObject;
let retired: KeyObject;
let outdated: KeyObject;
let kidOf: (key: KeyObject) => string;
let keyToken: string;
let memberToken: string;

function newKey(): Promise<string> {
  return new Promise((resolve, reject) => {
    const file = new URL('../../src/access/tokens/signing-key-worker.js', import.meta.url);
    new Worker(file).once('message', resolve).once('error', reject);
  });
}

async function status(token: string): Promise<number> {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`${child.url}/v1/datetime/utc-now`, { headers });
  await response.arrayBuffer();
  return response.status;
}

before(async () => {
  folder = await temporaryFolder();
  const keys = join(folder.path, 'signing-keys');
  mkdirSync(keys, { mode: 0o700 });
  const minutes = (count: number) => String(Date.now() - count * 60_000).padStart(15, '0');
  const [first, second, third] = await Promise.all([newKey(), newKey(), newKey()]);
  for (const [pem, age] of [
    [first, 300],
    [second, 120],
    [third, 10],
  ] as const) {
    writeFileSync(join(keys, `${minutes(age)}.pem`), pem, { mode: 0o600 });
  }
  [outdated, retired, own] = [first, second, third].map((pem) => createPrivateKey(pem)) as [
    KeyObject,
    KeyObject,
    KeyObject,
  ];
  const { verifying } = await SigningKeys.open(folder.path, { now: () => 0 });
  kidOf = (key) => {
    const { n } = key.export({ format: 'jwk' });
    return String(verifying.find(({ jwk }) => jwk.n === n)?.kid);
  };
  child = await startChild(folder.path);
  const settings = { VISAGE_DATA_DIR: folder.path };
  const key = (await visagectl(['keys', 'create', '--name', 'a'], settings)).stdout.trim();
  const got = await fetch(`${child.url}/v1/token/get`, { headers: { Authorization: `ApiKey ${key}` } });
  keyToken = ((await got.json()) as { token: string }).token;
  const person = { name: 'A', email: 'a@example.com', password: 'correct horse' };
  const setup_code = await setupCodeOf(child);
  const post = (path: string) =>
    fetch(child.url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(
        path.endsWith('login') ? { ...person, name: undefined } : { ...person, setup_code },
      ),
    });
  assert.equal((await post('/auth/register-email')).status, 201);
  const login = (await (await post('/auth/login')).json()) as { data: { token: string } };
  memberToken = login.data.token;
});

after(async () => {
  await child?.stop();
  await folder?.remove();
});

const parts = (token: string) => token.split('.') as [string, string, string];
const header = (): Claims => JSON.parse(decoded(parts(keyToken)[0]));
const claims = (): Claims => JSON.parse(decoded(parts(keyToken)[1]));
const now = () => Math.floor(Date.now() / 1000);

const withHeader = (change: Claims, key = own, hash = 'sha512'): string =>
  assemble(JSON.stringify({ ...header(), ...change }), JSON.stringify(claims()), rsa(key, hash));
const withClaims = (change: Claims, from = claims()): string =>
  assemble(JSON.stringify(header()), JSON.stringify({ ...from, ...change }), rsa(own, 'sha512'));
const withText = (head: string, payload: string): string => assemble(head, payload, rsa(own, 'sha512'));
const without = (name: string): string => withClaims({ [name]: undefined });

const attacks: Record<string, () => string> = {};
const add = (name: string, forge: () => string) => {
  attacks[name] = forge;
};

for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'null', ' none']) {
  const head = () => JSON.stringify({ ...header(), alg });
  add(`alg "${alg}" without a signature`, () => assemble(head(), JSON.stringify(claims()), () => ''));
  add(
    `alg "${alg}" with the old signature`,
    () => `${base64url(head())}.${parts(keyToken).slice(1).join('.')}`,
  );
}
add('alg null', () => withHeader({ alg: null }));
add('no alg', () => withHeader({ alg: undefined }));
add('alg as an array', () => withHeader({ alg: ['RS512'] }));
add('alg rs512', () => withHeader({ alg: 'rs512' }));

for (const bits of [256, 384, 512]) {
  const spellings = [
    'the SPKI in PEM',
    'the SPKI in PEM without its last newline',
    'the SPKI in PEM with CRLF',
  ];
  spellings.push('the SPKI in PEM without armour', 'the SPKI in PEM on one line', 'the SPKI in DER');
  spellings.push('PKCS #1 in PEM', 'PKCS #1 in DER', 'the modulus of the JWK', 'the JWK in JSON', 'nothing');
  for (const spelling of spellings) {
    const forge = (alg: string) => () =>
      assemble(
        JSON.stringify({ ...header(), alg }),
        JSON.stringify(claims()),
        hmac(`sha${bits}`, publicKeySpellings(own)[spelling] as string | Buffer),
      );
    add(`HS${bits} over ${spelling}`, forge(`HS${bits}`));
    if (bits === 512) add(`HS512 over ${spelling}, said to be RS512`, forge('RS512'));
  }
}

const foreign = (change: Claims) => withHeader(change, foreignKey);
const jwk = () => ({ ...foreignKey.export({ format: 'jwk' }), d: undefined });
Object.assign(attacks, {
  'RS256 with the right key': () => withHeader({ alg: 'RS256' }, own, 'sha256'),
  'RS384 with the right key': () => withHeader({ alg: 'RS384' }, own, 'sha384'),
  'SHA-256 said to be RS512': () => withHeader({}, own, 'sha256'),
  'PS512 with the right key': () =>
    assemble(
      JSON.stringify({ ...header(), alg: 'PS512' }),
      JSON.stringify(claims()),
      rsa(own, 'sha512', true),
    ),
  'PSS said to be RS512': () =>
    assemble(JSON.stringify(header()), JSON.stringify(claims()), rsa(own, 'sha512', true)),
  'ES256 with a foreign key': () => withHeader({ alg: 'ES256' }, foreignCurveKey, 'sha256'),
  'a foreign key under our kid': () => foreign({}),
  'a foreign key with its JWK embedded': () => foreign({ jwk: jwk() }),
  'a foreign key with its JWK and kid': () => foreign({ kid: 'mine', jwk: { ...jwk(), kid: 'mine' } }),
  'a foreign key by jku': () => foreign({ jku: 'http://127.0.0.1:1/jwks.json' }),
  'a foreign key by jku and kid': () => foreign({ kid: 'mine', jku: 'https://example.com/jwks.json' }),
  'a foreign key by x5u': () => foreign({ x5u: 'http://127.0.0.1:1/cert.pem' }),
  'a foreign key by x5c': () => foreign({ x5c: ['MIIB'] }),
  'our own JWK embedded': () => withHeader({ jwk: {} }),
  'jku beside the right key': () => withHeader({ jku: `${child.url}/.well-known/jwks.json` }),
  'x5u beside the right key': () => withHeader({ x5u: 'https://example.com' }),
  'a key that was rotated out': () => {
    const kid = kidOf(outdated);
    return assemble(JSON.stringify({ ...header(), kid }), JSON.stringify(claims()), rsa(outdated, 'sha512'));
  },
  'a key that was rotated out, under the new kid': () => withHeader({}, outdated),
});

const kids: Record<string, unknown> = {
  missing: undefined,
  null: null,
  empty: '',
  'a number': 0,
  'an array': ['a'],
  'an array of ours': 'ours',
  'an object': {},
  'a path': '../../../../dev/null',
  'an absolute path': '/etc/passwd',
  'a URL': 'http://127.0.0.1:1/key.pem',
  __proto__: '__proto__',
  constructor: 'constructor',
  'with a null byte': '\u0000',
  SQL: "' OR '1'='1",
  'a command': '|sleep 9',
};
for (const [name, kid] of Object.entries(kids)) {
  add(`kid ${name}`, () => withHeader({ kid: kid === 'ours' ? [header().kid] : kid }));
}

Object.assign(attacks, {
  'unknown crit': () => withHeader({ crit: ['exp'], exp: 1 }),
  'empty crit': () => withHeader({ crit: [] }),
  'b64 false': () => withHeader({ b64: false }),
  'b64 false with crit': () => withHeader({ b64: false, crit: ['b64'] }),
  'b64 true': () => withHeader({ b64: true, crit: ['b64'] }),
  'typ at+jwt': () => withHeader({ typ: 'at+jwt' }),
  'typ jwt': () => withHeader({ typ: 'jwt' }),
  'typ JOSE': () => withHeader({ typ: 'JOSE' }),
  'no typ': () => withHeader({ typ: undefined }),
  'cty JWT': () => withHeader({ cty: 'JWT' }),
  'zip DEF': () => withHeader({ zip: 'DEF' }),
  'alg twice, none first': () =>
    withText(`{"alg":"none",${JSON.stringify(header()).slice(1)}`, JSON.stringify(claims())),
  'alg twice, none last': () =>
    withText(`${JSON.stringify(header()).slice(0, -1)},"alg":"none"}`, JSON.stringify(claims())),
  'a header in another order': () =>
    withText(JSON.stringify(header(), ['kid', 'typ', 'alg']), JSON.stringify(claims())),
  'a header with spaces': () => withText(JSON.stringify(header(), null, 1), JSON.stringify(claims())),
  'a header with an escape': () =>
    withText(JSON.stringify(header()).replace('RS512', '\\u0052S512'), JSON.stringify(claims())),
  'a header that is an array': () => withText('[]', JSON.stringify(claims())),
  'a header that is no JSON': () => withText('{', JSON.stringify(claims())),
  'a header with __proto__': () =>
    withText(JSON.stringify(header()).replace('{', '{"__proto__":{"alg":"none"},'), JSON.stringify(claims())),
});

const signatureOf = (change: (bytes: Buffer) => Buffer): string => {
  const [head, payload, signature] = parts(keyToken);
  return `${head}.${payload}.${change(Buffer.from(signature, 'base64url')).toString('base64url')}`;
};
const flip = (at: number, bit: number) => (bytes: Buffer) => {
  const place = at < 0 ? bytes.length + at : at;
  bytes.writeUInt8(bytes.readUInt8(place) ^ bit, place);
  return bytes;
};
Object.assign(attacks, {
  'an empty signature': () => `${parts(keyToken).slice(0, 2).join('.')}.`,
  'a signature with its first bit flipped': () => signatureOf(flip(0, 0x80)),
  'a signature with its last bit flipped': () => signatureOf(flip(-1, 1)),
  'a signature that is cut': () => signatureOf((bytes) => bytes.subarray(0, -1)),
  'a signature that is longer': () => signatureOf((bytes) => Buffer.concat([bytes, Buffer.alloc(1)])),
  'a signature of zeros': () => signatureOf((bytes) => bytes.fill(0)),
  'the signature of another token': () => `${parts(keyToken).slice(0, 2).join('.')}.${parts(memberToken)[2]}`,
  'a payload with one letter changed': () => {
    const [head, payload, signature] = parts(keyToken);
    return `${head}.${payload.slice(0, -1)}${payload.endsWith('A') ? 'B' : 'A'}.${signature}`;
  },
  'a signature with padding': () => `${keyToken}==`,
  'a signature in standard base64': () => {
    const [head, payload, signature] = parts(keyToken);
    return `${head}.${payload}.+/${signature.slice(2)}`;
  },
  'two parts': () => parts(keyToken).slice(0, 2).join('.'),
  'four parts': () => `${keyToken}.${parts(keyToken)[2]}`,
  'five parts, as encrypted ones have': () => `${keyToken}.a.b`,
  'dots alone': () => '..',
  'an empty header': () => `.${parts(keyToken).slice(1).join('.')}`,
  'an empty payload': () => `${parts(keyToken)[0]}..${parts(keyToken)[2]}`,
  'a percent-encoded dot': () => keyToken.replaceAll('.', '%2E'),
  'a quoted token': () => `"${keyToken}"`,
  'a token twice': () => `${keyToken},${keyToken}`,
  'JSON serialisation': () =>
    JSON.stringify({
      protected: parts(keyToken)[0],
      payload: parts(keyToken)[1],
      signature: parts(keyToken)[2],
    }),
  'a token of 12 KB': () => withClaims({ padding: 'x'.repeat(8_000) }),
  'a token of 5 KB': () => withClaims({ padding: 'x'.repeat(3_000) }),
});

Object.assign(attacks, {
  'a payload that is no JSON': () => withText(JSON.stringify(header()), 'x'),
  'a payload that is null': () => withText(JSON.stringify(header()), 'null'),
  'a payload that is an array': () => withText(JSON.stringify(header()), `[${JSON.stringify(claims())}]`),
  'a payload that is a string': () => withText(JSON.stringify(header()), '"a"'),
  'a payload that is a token': () => withText(JSON.stringify(header()), keyToken),
  'a payload with spaces': () => withText(JSON.stringify(header()), JSON.stringify(claims(), null, 1)),
  'a payload with a byte order mark': () =>
    withText(JSON.stringify(header()), `\ufeff${JSON.stringify(claims())}`),
  'exp twice': () =>
    withText(JSON.stringify(header()), `{"exp":${now() + 99},${JSON.stringify(claims()).slice(1)}`),
  'sub twice': () =>
    withText(JSON.stringify(header()), `${JSON.stringify(claims()).slice(0, -1)},"sub":"${claims().sub}"}`),
  'sub twice, once with an escape': () =>
    withText(JSON.stringify(header()), `{"\\u0073ub":"key_x",${JSON.stringify(claims()).slice(1)}`),
  '__proto__ as a claim': () =>
    withText(JSON.stringify(header()), `{"__proto__":{"use":"member"},${JSON.stringify(claims()).slice(1)}`),
  'an exp in the past': () => withClaims({ iat: now() - 120, exp: now() - 60 }),
  'an exp of now': () => withClaims({ iat: now() - 120, exp: now() - 1 }),
  'an exp of 0': () => withClaims({ exp: 0 }),
  'an exp below 0': () => withClaims({ exp: -1 }),
  'an exp that is a float': () => withClaims({ exp: now() + 60.5 }),
  'an exp written as 1e10': () =>
    withText(JSON.stringify(header()), JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e10')),
  'an exp written as n.0': () =>
    withText(JSON.stringify(header()), JSON.stringify(claims()).replace(/"exp":(\d+)/, '"exp":$1.0')),
  'an exp that is a string': () => withClaims({ exp: String(now() + 60) }),
  'an exp that is null': () => withClaims({ exp: null }),
  'an exp that is true': () => withClaims({ exp: true }),
  'an exp that is an array': () => withClaims({ exp: [now() + 60] }),
  'an exp in a thousand years': () => withClaims({ exp: now() + 3e10 }),
  'a life of more than an hour': () => withClaims({ iat: now(), exp: now() + 3601 }),
  'an iat in the future': () => withClaims({ iat: now() + 300, exp: now() + 600 }),
  'an iat that is a string': () => withClaims({ iat: String(now()) }),
  'an iat that is a float': () => withClaims({ iat: now() - 0.5 }),
  'an nbf in the future': () => withClaims({ nbf: now() + 300 }),
  'an nbf in the past, which we never write': () => withClaims({ nbf: now() - 300 }),
  'an nbf that is a string': () => withClaims({ nbf: 'x' }),
  'another iss': () => withClaims({ iss: 'urn:other' }),
  'an iss in another case': () => withClaims({ iss: 'URN:visage' }),
  'an iss that is an array': () => withClaims({ iss: [claims().iss] }),
  'another aud': () => withClaims({ aud: 'urn:other' }),
  'an aud that is an array with ours': () => withClaims({ aud: [claims().aud, 'x'] }),
  'an aud with a slash': () => withClaims({ aud: `${claims().aud}/` }),
  'a key that is not there': () => withClaims({ sub: 'key_01KF2M7Q8TC5V9XW3E6YB4NZRD' }),
  'a sub that is an array': () => withClaims({ sub: [claims().sub] }),
  'a sub __proto__': () => withClaims({ sub: '__proto__' }),
  'a sub that is empty': () => withClaims({ sub: '' }),
  'a later generation': () => withClaims({ gen: (claims().gen as number) + 1 }),
  'a generation that is a string': () => withClaims({ gen: String(claims().gen) }),
  'use admin': () => withClaims({ use: 'admin' }),
  'a key said to be a member': () => withClaims({ use: 'member' }),
  'a claim of ours too much': () => withClaims({ role: 'owner' }),
  'a member of no session': () =>
    withClaims({ sid: 'ses_01KF2M7Q8TC5V9XW3E6YB4NZRD' }, JSON.parse(decoded(parts(memberToken)[1]))),
  'a member of a __proto__ session': () =>
    withClaims({ sid: '__proto__' }, JSON.parse(decoded(parts(memberToken)[1]))),
  "another member's session": () =>
    withClaims({ sub: 'mem_01KF2M7Q8TC5V9XW3E6YB4NZRD' }, JSON.parse(decoded(parts(memberToken)[1]))),
  'a member said to be a key': () => withClaims({ use: 'key' }, JSON.parse(decoded(parts(memberToken)[1]))),
});
for (const name of ['iss', 'aud', 'sub', 'iat', 'exp', 'jti', 'use', 'gen'])
  add(`no ${name}`, () => without(name));

describe('A token is let in', () => {
  test('that the service gave to a key or to a member, also rebuilt byte by byte with its key', async () => {
    assert.equal(await status(keyToken), 200);
    assert.equal(await status(memberToken), 200);
    assert.equal(await status(withClaims({})), 200);
    assert.equal(await status(withClaims({ jti: 'another' })), 200);
  });

  test('of a key that was retired a short while ago', async () => {
    const head = JSON.stringify({ ...header(), kid: kidOf(retired) });
    const token = assemble(head, JSON.stringify(claims()), rsa(retired, 'sha512'));
    assert.equal(await status(token), 200);
  });
});

describe('A token is refused with 401', () => {
  for (const [name, forge] of Object.entries(attacks)) {
    test(`with ${name}`, async () => {
      const token = forge();
      assert.notEqual(token, keyToken);
      assert.equal(await status(token), 401);
    });
  }

  test('with a megabyte, which is more than the headers of a request may have', async () => {
    assert.equal(await status(withClaims({ padding: 'x'.repeat(1 << 20) })), 401);
    assert.equal(await status('a'.repeat(1 << 20)), 401);
    assert.equal(await status(keyToken), 200);
  });

  test('and there are more than sixty ways', () => {
    assert.ok(Object.keys(attacks).length >= 60, String(Object.keys(attacks).length));
  });
});
