import { after, before } from 'node:test';
import { AccessService, closeShared } from '../../testing/access-service.ts';
import { attack, isFull } from '../../testing/attack.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

let service: AccessService;
before(async () => {
  service = await AccessService.open();
});
after(async () => {
  await service.close();
  await closeShared();
});

function* spellings(token: string): Generator<string> {
  const parts = token.split('.');
  for (const [at, part] of parts.entries()) {
    const put = (text: string) => parts.with(at, text).join('.');
    for (const character of ALPHABET) {
      if (!part.endsWith(character)) yield put(part.slice(0, -1) + character);
    }
    for (const end of ['=', '==', 'A', '%3D', '.', '!', '~']) yield put(part + end);
    yield put(`${part.slice(0, 4)}*${part.slice(4)}`);
    yield put(part.replace(/[-_]/, (sign) => (sign === '-' ? '+' : '/')));
    yield put('');
    if (!isFull) continue;
    for (let place = 0; place < part.length; place += 7) {
      const other = part[place] === 'A' ? 'B' : 'A';
      yield put(part.slice(0, place) + other + part.slice(place + 1));
    }
  }
  yield `${token}.${parts[2]}`;
  yield parts.toReversed().join('.');
  const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
  yield `${header}.${parts[1]}.`;
}

attack('A token passes in no other spelling than its own', async (tally) => {
  const { key } = await service.key();
  const { body } = await service.call(key, 'GET', '/v1/token/get');
  const tokens = { key: body.token, member: await service.token(await service.member('owner')) };
  for (const [kind, token] of Object.entries(tokens)) {
    const target = kind === 'key' ? '/v1/collection/get-all' : '/v1/auth/members';
    if ((await service.call(token, 'GET', target)).status !== 200)
      throw new Error(`the ${kind}'s token is no good`);
    for (const spelling of spellings(token)) {
      if (spelling === token) continue;
      const { status } = await service.call(spelling, 'GET', target);
      tally.attempt(`the ${kind}'s token as ...${spelling.slice(-8)}: ${status}`, status !== 401);
    }
  }
});
