import { after, before } from 'node:test';
import { AccessService, closeShared } from '../../testing/access-service.ts';
import { attack } from '../../testing/attack.ts';

/** U+FDFA becomes 18 characters, three of them spaces; U+FF20 becomes an @. */
const EXPANDING = '\ufdfa';

const HOSTILE = [
  EXPANDING.repeat(240),
  EXPANDING,
  '\u3300'.repeat(240),
  'bob\uff20evil.example',
  'bo\u200bb',
  'bob\u2060',
  '\u202ebob',
  'bo\u0000b',
  'bo\u001bb',
  'bo\ud800b',
  'bo\u00adb',
].map((local) => `${local}@example.com`);

let service: AccessService;
before(async () => {
  service = await AccessService.open({}, 'open');
});
after(async () => {
  await service.close();
  await closeShared();
});

attack('No e-mail ends in an internal error, is kept in another form, or hides characters', async (tally) => {
  const owner = await service.token(await service.member('owner'));
  const password = 'correct horse battery';
  for (const email of HOSTILE) {
    const calls = [
      service.call(null, 'POST', '/auth/login', { email, password }),
      service.call(null, 'POST', '/auth/register-email', { email, password, name: 'X' }),
      service.call(owner, 'POST', '/v1/auth/members/invite', { email }),
    ];
    for (const [at, { status }] of (await Promise.all(calls)).entries()) {
      tally.attempt(`call ${at} with ${JSON.stringify(email.slice(0, 20))}: ${status}`, status !== 400);
    }
  }
});
