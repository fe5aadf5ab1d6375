import assert from 'node:assert/strict';
import { sign as createSignature, generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { SigningKeys } from '../../src/access/tokens/signing-keys.ts';
import { Tokens } from '../../src/access/tokens/tokens.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

const MINUTE = 60_000;
const SUBJECT = { use: 'key', sub: 'key_1', gen: 1 } as const;

let keyA: string;
let keyB: string;
before(() => {
  keyA = pemOf(3072);
  keyB = pemOf(3072);
});

function folderWith(t: Parameters<typeof temporaryFolder>[0], pem: string, madeAt: number): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'signing-keys'));
  const file = `${String(madeAt).padStart(15, '0')}.pem`;
  writeFileSync(join(folder, 'signing-keys', file), pem, { mode: 0o600 });
  return folder;
}

function pemOf(bits: number): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

describe('Signing keys', () => {
  test('are made on the first run for their user only, and the same on the next', async (t) => {
    const folder = temporaryFolder(t);
    const first = await SigningKeys.open(folder);
    assert.equal(first.signing.privateKey.asymmetricKeyDetails?.modulusLength, 3072);
    const keys = join(folder, 'signing-keys');
    assert.equal(statSync(keys).mode & 0o777, 0o700);
    const files = readdirSync(keys);
    assert.equal(files.length, 1);
    assert.equal(statSync(join(keys, files[0] as string)).mode & 0o777, 0o600);
    assert.equal((await SigningKeys.open(folder)).signing.kid, first.signing.kid);
  });

  test('that others may read, that are weak or that are no keys keep the service from starting', async (t) => {
    const folder = temporaryFolder(t);
    const keys = join(folder, 'signing-keys');
    mkdirSync(keys);
    const file = join(keys, '000000000000001.pem');
    writeFileSync(file, pemOf(2048), { mode: 0o600 });
    await assert.rejects(SigningKeys.open(folder), /expected RSA with at least 3072 bits, got rsa with 2048/);
    writeFileSync(file, 'x');
    await assert.rejects(SigningKeys.open(folder), /expected a private key in PEM/);
    chmodSync(file, 0o640);
    await assert.rejects(SigningKeys.open(folder), /Other users can read the signing key/);
  });

  test('are rotated with an overlap: the old one verifies for an hour, and is then gone from disk', async (t) => {
    let now = Date.UTC(2026, 0, 15);
    const folder = folderWith(t, keyA, now - 1000);
    const keys = await SigningKeys.open(folder, { now: () => now });
    const tokens = new Tokens(keys, () => now);
    const old = tokens.sign(SUBJECT, 3600).token;
    const oldKid = keys.signing.kid;
    const { kid } = await keys.rotate();
    assert.notEqual(kid, oldKid);
    assert.deepEqual(
      tokens.jwks().keys.map((key) => key.kid),
      [oldKid, kid],
    );
    assert.equal(tokens.verify(old).sub, 'key_1');
    assert.equal(tokens.verify(tokens.sign(SUBJECT, 60).token).sub, 'key_1');

    const again = await SigningKeys.open(folder, { now: () => now });
    assert.equal(again.signing.kid, kid);
    assert.equal(new Tokens(again, () => now).verify(old).sub, 'key_1');

    now += 61 * MINUTE;
    assert.throws(() => tokens.verify(old), { code: 'TOKEN_INVALID' });
    assert.deepEqual(
      tokens.jwks().keys.map((key) => key.kid),
      [kid],
    );
    await keys.rotate();
    assert.equal(readdirSync(join(folder, 'signing-keys')).length, 2);
  });

  test('rotated at the same time take one another’s place, one after the other', async (t) => {
    const keys = await SigningKeys.open(folderWith(t, keyA, 1), { now: () => 1 });
    const [first, second] = await Promise.all([keys.rotate(), keys.rotate()]);
    assert.notEqual(first.kid, second.kid);
    assert.equal(keys.signing.kid, second.kid);
    assert.equal(keys.verifying.length, 3);
  });

  test('come from systemd’s credentials where those are there, and are then rotated there', async (t) => {
    const folder = temporaryFolder(t);
    const credentials = temporaryFolder(t);
    const write = (name: string, pem: string) => writeFileSync(join(credentials, name), pem);
    write('visage-signing-key', keyA);
    const keys = await SigningKeys.open(folder, { credentials });
    assert.deepEqual(readdirSync(folder), []);
    await assert.rejects(async () => keys.rotate(), { code: 'PERMISSION_DENIED' });

    write('visage-signing-key-previous', keyA);
    write('visage-signing-key', keyB);
    const renewed = await SigningKeys.open(folder, { credentials });
    const old = new Tokens(keys, Date.now).sign(SUBJECT, 60).token;
    assert.equal(new Tokens(renewed, Date.now).verify(old).sub, 'key_1');
    assert.notEqual(renewed.signing.kid, keys.signing.kid);
  });
});

describe('A token', () => {
  test('has exactly the header and the claims that the contract names', async (t) => {
    const keys = await SigningKeys.open(folderWith(t, keyA, 1));
    const now = Date.UTC(2026, 0, 15, 10);
    const { token, expiresAt } = new Tokens(keys, () => now).sign(SUBJECT, 900);
    const [header, payload] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
    assert.deepEqual(JSON.parse(header as string), { alg: 'RS512', typ: 'JWT', kid: keys.signing.kid });
    const { jti, ...claims } = JSON.parse(payload as string);
    assert.match(jti, /^[0-9a-f-]{36}$/);
    assert.deepEqual(claims, {
      iss: 'urn:visage',
      aud: 'urn:visage:api',
      ...SUBJECT,
      iat: now / 1000,
      exp: now / 1000 + 900,
    });
    assert.equal(expiresAt, now + 900_000);
  });

  test('has one spelling: other base64url for the same bytes is refused, though the signature is right', async (t) => {
    const keys = await SigningKeys.open(folderWith(t, keyA, 1));
    const tokens = new Tokens(keys, Date.now);
    const { token } = tokens.sign(SUBJECT, 60);
    const sign = (text: string) =>
      `${text}.${createSignature('sha512', Buffer.from(text), keys.signing.privateKey).toString('base64url')}`;
    const [header, payload] = token.split('.') as [string, string];
    assert.equal(tokens.verify(sign(`${header}.${payload}`)).sub, 'key_1');
    const bytes = Buffer.from(payload, 'base64url');
    const respelled = [`${token}A`, `${token}-`];
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      const other = payload.slice(0, -1) + last;
      if (other !== payload && Buffer.from(other, 'base64url').equals(bytes)) {
        respelled.push(sign(`${header}.${other}`));
      }
    }
    for (const each of respelled) assert.throws(() => tokens.verify(each), { code: 'TOKEN_INVALID' });
  });

  test('ends with its second of expiry, and counts a while longer where that is asked for', async (t) => {
    const keys = await SigningKeys.open(folderWith(t, keyA, 1));
    let now = Date.UTC(2026, 0, 15, 10);
    const tokens = new Tokens(keys, () => now);
    const { token } = tokens.sign(SUBJECT, 60);
    now += 59_999;
    assert.equal(tokens.verify(token).sub, 'key_1');
    now += 1;
    assert.throws(() => tokens.verify(token), { code: 'TOKEN_EXPIRED' });
    assert.equal(tokens.verify(token, 300).sub, 'key_1');
    now += 300_000;
    assert.throws(() => tokens.verify(token, 300), { code: 'TOKEN_EXPIRED' });
  });
});
