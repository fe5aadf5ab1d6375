import { connect, createServer, type Server } from 'node:net';
import { after, before } from 'node:test';
import { SetupCode } from '../../src/access/members/secrets.ts';
import type { Member } from '../../src/store/records.ts';
import { AccessService, closeShared, type Said } from '../../testing/access-service.ts';
import { attack, isFull } from '../../testing/attack.ts';

const PASSWORD = 'correct horse battery';

const opened: AccessService[] = [];
async function open(registration: 'closed' | 'open' = 'closed'): Promise<AccessService> {
  const service = await AccessService.open({}, registration);
  opened.push(service);
  return service;
}

let passwordHash: string;
before(async () => {
  passwordHash = await (await open()).identity.passwords.hash(PASSWORD);
});
after(async () => {
  for (const service of opened) await service.close();
  await closeShared();
});

function addMember(
  service: AccessService,
  email: string,
  role: Member['role'],
  accountId = service.accountId,
) {
  const person = { email, name: null, username: null, role, invitation: null };
  return service.store.members.add(accountId, { ...person, passwordHash, createdAt: Date.now() });
}

const post = (service: AccessService, target: string, json: unknown, headers = {}): Promise<Said> =>
  service.call(null, 'POST', target, json, headers);
const register = (service: AccessService, fields: object, headers = {}) =>
  post(
    service,
    '/auth/register-email',
    { name: 'Mallory', email: 'm@example.com', password: PASSWORD, ...fields },
    headers,
  );
const logIn = (service: AccessService, email: string, password: string, headers = {}) =>
  post(service, '/auth/login', { email, password }, headers);

async function forwarder(target: number): Promise<{ server: Server; url: string }> {
  const server = createServer((incoming) => {
    const outgoing = connect(target, '127.0.0.1');
    incoming.pipe(outgoing).pipe(incoming);
    for (const socket of [incoming, outgoing]) socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as { port: number }).port}` };
}

attack(
  'Only the set-up code makes the first owner, whatever address or header a request comes with',
  async (tally) => {
    for (const registration of ['closed', 'open'] as const) {
      const service = await open(registration);
      const direct = service.url;
      const { server, url } = await forwarder(Number(new URL(direct).port));
      const headers = [
        {},
        { 'X-Forwarded-For': '127.0.0.1' },
        { Forwarded: 'for=127.0.0.1' },
        { 'X-Real-IP': '::1' },
        { 'X-Setup-Code': 'x' },
      ];
      const codes = [undefined, null, '', ' ', 'A', new SetupCode().text, new SetupCode().text.slice(0, -1)];
      for (const way of [direct, url, direct.replace('127.0.0.1', 'localhost')]) {
        service.url = way;
        for (const header of headers) {
          for (const setup_code of isFull ? codes : codes.slice(0, 2)) {
            const { status } = await register(service, { setup_code }, header);
            tally.attempt(`${way} ${JSON.stringify(header)}: ${status}`, status < 300);
          }
        }
      }
      tally.attempt('an owner is there', service.store.members.hasOwner());
      const setup_code = service.identity.setupCode?.text;
      const { status } = await register(service, { setup_code });
      tally.attempt(`the right code is held up by wrong ones: ${status}`, status !== 201);
      server.close();
    }
  },
);

attack(
  'An e-mail cannot be occupied, and neither invitations nor log-ins tell who is a member',
  async (tally) => {
    const service = await open('open');
    await addMember(service, 'owner@example.com', 'owner');
    const tenant = (await register(service, { email: 'mallory@example.com' })).body.data;
    const owner = await service.token(service.store.members.get(tenant.account_id, tenant.user_id) as Member);
    const invite = (email: string) => service.call(owner, 'POST', '/v1/auth/members/invite', { email });
    const shape = ({ status, body }: Said) => `${status} ${Object.keys(body)} ${body.status} ${body.role}`;

    const fresh = await invite('fresh@example.com');
    const known = await invite('owner@example.com');
    tally.attempt('an invitation tells who is a member elsewhere', shape(fresh) !== shape(known));
    const accepted = [];
    for (const [email, { body }] of [
      ['fresh@example.com', fresh],
      ['owner@example.com', known],
    ] as const) {
      const own = { email, password: 'a password of Mallory', invitation: body.invitation };
      accepted.push((await register(service, own)).status);
    }
    tally.attempt(`an acceptance tells who is a member elsewhere: ${accepted}`, accepted[0] !== accepted[1]);
    const still = await logIn(service, 'owner@example.com', PASSWORD);
    tally.attempt('a member was locked out by a tenant', still.status !== 200);

    const victims = Array.from({ length: isFull ? 10 : 2 }, (_, i) => `victim${i}@example.com`);
    for (const email of victims) {
      await register(service, { email, password: 'a password of Mallory' });
      const admin = await service.token(await service.member('owner'));
      const { body } = await service.call(admin, 'POST', '/v1/auth/members/invite', { email });
      const joined = await register(service, { email, invitation: body.invitation });
      tally.attempt(`${email} is occupied`, joined.status !== 201);
      const first = await logIn(service, email, PASSWORD);
      tally.attempt(`${email} cannot log in`, first.body.data?.user_id !== joined.body.data?.user_id);
    }

    const wrong = async (email: string) => {
      const { status, body } = await logIn(service, email, 'wrong');
      return JSON.stringify({ ...body, status, requestId: null });
    };
    const answers = [
      await wrong('owner@example.com'),
      await wrong('nobody@example.com'),
      await wrong('fresh@example.com'),
    ];
    tally.attempt('a log-in tells who is a member', new Set(answers).size !== 1);
  },
);

attack(
  'An admin changes no owner, invited or not, and an invitation ends with the right to send it',
  async (tally) => {
    const service = await open();
    const owner = await service.token(await addMember(service, 'owner@example.com', 'owner'));
    const mallory = await addMember(service, 'mallory@example.com', 'admin');
    const admin = await service.token(mallory);
    const invite = (by: string, email: string, role: string) =>
      service.call(by, 'POST', '/v1/auth/members/invite', { email, role });
    const { body: pending } = await invite(owner, 'next@example.com', 'owner');
    for (const email of ['next@example.com', 'NEXT@example.com', ' next@example.com', 'ｎext@example.com']) {
      for (const role of ['member', 'admin', 'owner']) {
        const { status } = await invite(admin, email, role);
        const record = service.store.members.get(service.accountId, pending.id);
        tally.attempt(
          `${email} as ${role}: ${status}`,
          record?.role !== 'owner' || (status === 201 && email.trim() === email),
        );
      }
    }
    const one = `/v1/auth/members/${pending.id}`;
    for (const role of ['member', 'admin']) {
      tally.attempt(`PATCH ${role}`, (await service.call(admin, 'PATCH', one, { role })).status < 300);
    }
    tally.attempt('DELETE', (await service.call(admin, 'DELETE', one)).status < 300);
    const joined = await register(service, { email: 'next@example.com', invitation: pending.invitation });
    tally.attempt('the invitation was spoilt', joined.body.data?.role !== 'owner');

    const accomplice = await invite(admin, 'accomplice@example.com', 'admin');
    await service.call(owner, 'DELETE', `/v1/auth/members/${mallory.memberId}`);
    const { status } = await register(service, {
      email: 'accomplice@example.com',
      invitation: accomplice.body.invitation,
    });
    tally.attempt('a removed admin comes back by an invitation', status < 300);
  },
);

attack(
  'Failed log-ins hold up no known device, and no cookie opens the way to more guesses',
  async (tally) => {
    const service = await open();
    const now = Date.now();
    service.now = () => now;
    const cookieOf = async (email: string) => {
      const { headers } = await logIn(service, email, PASSWORD);
      const cookie = headers.getSetCookie().find((text) => text.startsWith('__Host-visage_device='));
      return String(cookie).split(';')[0] as string;
    };
    await addMember(service, 'ada@example.com', 'owner');
    await addMember(service, 'mallory@example.com', 'member');
    const [known, own] = [await cookieOf('ada@example.com'), await cookieOf('mallory@example.com')];
    for (let i = 0; i < (isFull ? 60 : 24); i++) {
      for (const email of [`nobody${i}@example.com`, 'ada@example.com']) await logIn(service, email, 'wrong');
    }
    for (let i = 0; i < 5; i++) {
      const { status } = await logIn(service, 'ada@example.com', PASSWORD, { Cookie: known });
      tally.attempt(`a known device is held up: ${status}`, status !== 200);
    }
    const [, memberId, nonce, mac] = /=(.+)\.(.+)\.(.+)$/.exec(known) ?? [];
    const forged = [
      own,
      `__Host-visage_device=${memberId}.${nonce}.${'A'.repeat(43)}`,
      `__Host-visage_device=${memberId}.${'A'.repeat(22)}.${mac}`,
      `${known}; ${own}`,
      known.replace('__Host-', ''),
    ];
    const guesses = async (Cookie: string, tries: number) => {
      let through = 0;
      for (let i = 0; i < tries; i++) {
        if ((await logIn(service, 'ada@example.com', `guess ${i}`, { Cookie })).status === 401) through++;
      }
      return through;
    };
    for (const cookie of forged)
      tally.attempt(`${cookie.slice(0, 30)} guesses`, (await guesses(cookie, 8)) > 0);
    tally.attempt('a stolen cookie guesses without end', (await guesses(known, 40)) > 10);
  },
);

attack('No common password is taken, by any way that sets one', async (tally) => {
  const service = await open('open');
  const owner = await addMember(service, 'owner@example.com', 'owner');
  const token = await service.token(owner);
  const common = [
    '12345678',
    'password',
    'PASSWORD',
    ' password ',
    'password1!',
    '\u200bpassword',
    'p a s s w o r d',
    'aaaaaaaa',
    'abcdefgh',
    'Vi\u00adsage2026',
    'iloveyou',
    'qwertyuiop',
    'Visage2026',
  ];
  for (const [i, password] of (isFull ? common : common.slice(0, 4)).entries()) {
    const email = `new${i}@example.com`;
    const alone = await register(service, { email, password });
    tally.attempt(`register ${password}`, alone.status < 300);
    const { body } = await service.call(token, 'POST', '/v1/auth/members/invite', { email });
    const invited = await register(service, { email, password, invitation: body.invitation });
    tally.attempt(`accept ${password}`, invited.status < 300);
    const change = { current_password: PASSWORD, new_password: password };
    const changed = await service.call(token, 'POST', '/v1/auth/password', change);
    tally.attempt(`change ${password}`, changed.status < 300);
  }
});

attack(
  'No token renews itself beyond twelve hours, and a copied refresh token ends its session',
  async (tally) => {
    const service = await open();
    await addMember(service, 'owner@example.com', 'owner');
    const start = Date.now();
    let age = 0;
    service.now = () => start + age;
    const begin = async () => (await logIn(service, 'owner@example.com', PASSWORD)).body.data;
    const renew = (token: string) => service.call(token, 'POST', '/auth/refresh', {});
    const refresh = (token: string) => post(service, '/auth/refresh', { refresh_token: token });

    let { token } = await begin();
    const end = isFull ? 48 * 60 : 13 * 60;
    for (let minutes = 0; minutes < end; minutes += 14) {
      age = minutes * 60_000;
      const { status, body } = await renew(token);
      if (status === 200) token = body.data.token;
      tally.attempt(`renewed after ${minutes} minutes`, status === 200 && minutes >= 12 * 60);
    }

    for (const seconds of isFull ? [10.001, 11, 60, 3600, 86_400] : [10.001, 3600]) {
      const owner = await begin();
      const first = await refresh(owner.refresh_token);
      age += seconds * 1000;
      const thief = await refresh(owner.refresh_token);
      tally.attempt(`a copy is good after ${seconds} s`, thief.status === 200);
      const heir = await refresh(first.body.data.refresh_token);
      tally.attempt(`the session lives after ${seconds} s`, heir.status === 200);
      const alive = await service.call(first.body.data.token, 'GET', '/v1/auth/members');
      tally.attempt(`a token lives after ${seconds} s`, alive.status === 200);
    }
  },
);
