import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { checkPassword, Passwords } from '../../src/access/passwords.ts';

const passwords = new Passwords();
after(() => passwords.close());

describe('A password', () => {
  test('is kept as Argon2id with the parameters that OWASP asks for and a salt of its own', async () => {
    const [first, second] = await Promise.all([
      passwords.hash('correct horse'),
      passwords.hash('correct horse'),
    ]);
    assert.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.notEqual(first, second);
  });

  test('fits its own hash, and no other does', async () => {
    const hash = await passwords.hash('correct horse');
    assert.equal(await passwords.verify(hash, 'correct horse'), true);
    for (const other of ['correct hors', 'correct horse ', 'Correct horse', '']) {
      assert.equal(await passwords.verify(hash, other), false);
    }
  });

  test('is the same however its characters are composed', async () => {
    const hash = await passwords.hash('pässwört ﬁne');
    assert.equal(await passwords.verify(hash, 'pa\u0308sswo\u0308rt fine'), true);
  });

  test('never fits where there is no hash', async () => {
    assert.equal(await passwords.verify(null, ''), false);
    assert.equal(await passwords.verify(null, 'correct horse'), false);
  });

  test('has 8 to 256 characters of any script and is not the e-mail', () => {
    const check = (password: string) => () => checkPassword(password, 'someone@example.com', '/password');
    for (const good of ['12345678', '密码密码密码密码', '🐴'.repeat(8), '🐴'.repeat(256), ' '.repeat(8)]) {
      assert.doesNotThrow(check(good));
    }
    for (const bad of ['', '1234567', '🐴'.repeat(7), 'x'.repeat(257), 'Someone@Example.com']) {
      assert.throws(check(bad), { code: 'VALIDATION_FAILED' });
    }
  });
});

describe('Many passwords at once', () => {
  test('are answered up to a number, and the others refused at once', async () => {
    const own = new Passwords();
    const hash = await own.hash('correct horse');
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, () => own.verify(hash, 'correct horse')),
    );
    const refused = results.filter((each) => each.status === 'rejected');
    assert.equal(refused.length, 36);
    for (const { reason } of refused as PromiseRejectedResult[]) assert.equal(reason.code, 'OVERLOADED');
    assert.ok(results.every((each) => each.status === 'rejected' || each.value));
    await own.close();
  });
});
