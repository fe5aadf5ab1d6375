import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { checkPassword, Passwords } from '../../src/access/members/passwords.ts';

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
    assert.equal(await passwords.find([hash], 'correct horse'), 0);
    for (const other of ['correct hors', 'correct horse ', 'Correct horse', '']) {
      assert.equal(await passwords.find([hash], other), -1);
    }
  });

  test('is the same however its characters are composed', async () => {
    const hash = await passwords.hash('pässwört ﬁne');
    assert.equal(await passwords.find([hash], 'pa\u0308sswo\u0308rt fine'), 0);
  });

  test('never fits where there is no hash', async () => {
    assert.equal(await passwords.find([null], ''), -1);
    assert.equal(await passwords.find([null], 'correct horse'), -1);
  });

  test('has 8 to 256 characters of any script, and is not made of the e-mail, a name or the product', () => {
    const owner = { email: 'ada.lovelace@example.com', names: ['Ada Lovelace', 'countess', 'agent0042'] };
    const check = (password: string) => () => checkPassword(password, owner, '/password');
    for (const good of [
      '密码密码密码密码',
      '🐴'.repeat(8),
      '🐴'.repeat(256),
      ' '.repeat(8),
      'lovelace and a horse',
      '8273645928374',
    ]) {
      assert.doesNotThrow(check(good), good);
    }
    for (const bad of [
      '',
      '1234567',
      '🐴'.repeat(7),
      'x'.repeat(257),
      'Ada.Lovelace@Example.com',
      'ADA.LOVELACE',
      'adalovelace',
      'Lovelace',
      ' Lovelace1815!',
      '1815Lovelace',
      'ｃｏｕｎｔｅｓｓ',
      'example.com',
      'Agent0042',
      'Visage2026!',
    ]) {
      assert.throws(check(bad), { code: 'VALIDATION_FAILED' }, bad);
    }
  });

  test('that is common or monotonous is refused, also with blanks in it or punctuation around it', async () => {
    const common = [
      '12345678',
      'password',
      'PassWord',
      ' password ',
      'password1!',
      'ｐａｓｓｗｏｒｄ',
      'iloveyou',
      'qwertyuiop',
      '11111111',
      '1q2w3e4r5t',
      '!password!',
      'p a s s w o r d',
      '\u200bpassword',
      'pass\u00adword',
      'pass\u0000word',
      '\u2060qwertyuiop',
      'aaaaaaaa',
      'abababab',
      '--------',
      '        ',
      '\u200b'.repeat(8),
      'abcdefgh',
      'zyxwvuts',
      'абвгдежз',
    ];
    for (const password of common) {
      await assert.rejects(passwords.hashNew(password, '/new_password'), {
        code: 'VALIDATION_FAILED',
        message: /^\/new_password: is a common password/,
      });
    }
    for (const good of ['correct horse', 'passwort des Tages', '密码正确的马和电池']) {
      assert.match(await passwords.hashNew(good, '/password'), /^\$argon2id\$/);
    }
  });

  test('is found among several hashes, and an empty place never fits', async () => {
    const [first, second] = [await passwords.hash('correct horse'), await passwords.hash('battery staple')];
    assert.equal(await passwords.find([first, second, null], 'battery staple'), 1);
    assert.equal(await passwords.find([null, first, first], 'correct horse'), 1);
    assert.equal(await passwords.find([null, first, second], 'neither of them'), -1);
  });
});

test('A place without a hash costs the processor what one with a hash costs', async () => {
  const hash = await passwords.hash('correct horse');
  const cost = async (hashes: (string | null)[]) => {
    const before = process.cpuUsage();
    await passwords.find(hashes, 'wrong');
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  let [known, unknown] = [0, 0];
  for (let round = 0; round < 8; round++) {
    known += await cost([hash, hash, hash, hash]);
    unknown += await cost([null, null, null, null]);
  }
  assert.ok(unknown > known / 2 && unknown < known * 2, `${unknown} and ${known} microseconds`);
});

describe('Many passwords at once', () => {
  test('are answered up to a number, and the others refused at once', async () => {
    const own = new Passwords();
    const hash = await own.hash('correct horse');
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, () => own.find([hash], 'correct horse')),
    );
    const refused = results.filter((each) => each.status === 'rejected');
    assert.equal(refused.length, 36);
    for (const { reason } of refused as PromiseRejectedResult[]) assert.equal(reason.code, 'OVERLOADED');
    assert.ok(results.every((each) => each.status === 'rejected' || each.value === 0));
    await own.close();
  });
});
