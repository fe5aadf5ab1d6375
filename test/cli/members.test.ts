import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import {
  type Child,
  childEnvironment,
  ROOT,
  setupCodeOf,
  startChild,
  temporaryFolder,
  VISAGECTL,
  visagectl,
} from '../../testing/service.ts';

type Folder = Awaited<ReturnType<typeof temporaryFolder>>;

async function run(folder: Folder, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await visagectl(args, { VISAGE_DATA_DIR: folder.path });
  assert.equal(code, 0, stderr);
  return stdout;
}

async function json(folder: Folder, ...args: string[]) {
  return JSON.parse(await run(folder, ...args, '--json'));
}

async function runWithInput(folder: Folder, input: string, ...args: string[]): Promise<number | null> {
  const env = childEnvironment({ VISAGE_DATA_DIR: folder.path });
  const child = spawn(VISAGECTL, args, { env, cwd: ROOT, stdio: ['pipe', 'ignore', 'ignore'] });
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

async function logIn(url: string, email: string, password: string) {
  const response = await fetch(`${url}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  const body = (await response.json()) as { data?: { token: string } };
  return { status: response.status, token: body.data?.token ?? '' };
}

async function statusOf(url: string, token: string): Promise<number> {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/v1/datetime/utc-now`, { headers });
  await response.arrayBuffer();
  return response.status;
}

describe('Without a service', () => {
  let folder: Folder;
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => folder.remove());

  test('the first owner is made, and logs in when the service starts, which then shows no set-up code', async () => {
    const input = 'a long password\nnot this\n';
    const options = ['--email', 'Owner@Example.com', '--name', 'Olga', '--role', 'owner', '--password-stdin'];
    assert.equal(await runWithInput(folder, input, 'members', 'create', '--create', ...options), 0);
    const child = await startChild(folder.path);
    try {
      assert.equal((await logIn(child.url, 'owner@example.com', 'a long password')).status, 200);
      assert.ok(!child.stderr().includes('set-up code'));
      assert.ok(!child.log.some((line) => 'setupCode' in line));
    } finally {
      await child.stop();
    }
  });

  test('members are listed, changed and removed, and keys rotated', async () => {
    const made = await json(folder, 'members', 'create', '--email', 'b@example.com', '--name', 'B');
    assert.deepEqual([made.role, made.status, made.password.length], ['member', 'active', 20]);
    assert.equal((await json(folder, 'members', 'role', made.id, 'admin')).role, 'admin');
    const { members } = await json(folder, 'members', 'list');
    assert.deepEqual(
      members.map((member: { email: string; role: string }) => [member.email, member.role]),
      [
        ['owner@example.com', 'owner'],
        ['b@example.com', 'admin'],
      ],
    );
    const reset = await json(folder, 'members', 'reset-password', 'B@example.com');
    assert.notEqual(reset.password, made.password);
    await run(folder, 'members', 'remove', 'b@example.com');
    const { kid } = await json(folder, 'tokens', 'rotate');
    assert.match(kid, /^[A-Za-z0-9_-]{43}$/);
    const { stdout } = await visagectl(['audit', 'export'], { VISAGE_DATA_DIR: folder.path });
    const actions = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).action);
    for (const action of [
      'member.create',
      'member.role',
      'member.password',
      'member.remove',
      'tokens.rotate',
    ]) {
      assert.ok(actions.includes(action), action);
    }
    assert.ok(!stdout.includes('example.com'));
  });

  test('what cannot be is refused in a sentence', async () => {
    const cases: [string[], number, RegExp][] = [
      [['members', 'remove', 'owner@example.com'], 65, /last owner/],
      [['members', 'role', 'owner@example.com', 'member'], 65, /last owner/],
      [['members', 'remove', 'nobody@example.com'], 65, /No member has this id/],
      [['members', 'role', 'owner@example.com', 'king'], 64, /one of member, admin, owner/],
      [['members', 'create', '--email', 'x', '--name', 'X'], 65, /email: expected an e-mail/],
      [
        ['members', 'create', '--email', 'owner@example.com', '--name', 'X'],
        65,
        /already belongs to a member or a pending invitation/,
      ],
      [['members', 'create', '--name', 'X'], 64, /Missing option: --email EMAIL/],
    ];
    const options = ['--email', 'x@example.com', '--name', 'X', '--password-stdin'];
    assert.equal(await runWithInput(folder, 'password\n', 'members', 'create', ...options), 65);
    assert.equal(
      await runWithInput(
        folder,
        '12345678\n',
        'members',
        'reset-password',
        'owner@example.com',
        '--password-stdin',
      ),
      65,
    );
    for (const [args, expected, sentence] of cases) {
      const { code, stderr } = await visagectl(args, { VISAGE_DATA_DIR: folder.path });
      assert.equal(code, expected, stderr);
      assert.match(stderr, sentence);
    }
  });
});

describe('With a running service', () => {
  let folder: Folder;
  let child: Child;
  before(async () => {
    folder = await temporaryFolder();
    child = await startChild(folder.path);
  });
  after(async () => {
    await child.stop();
    await folder.remove();
  });

  test('the first owner is made without the set-up code, which is then good for nothing', async () => {
    const code = await setupCodeOf(child);
    const options = ['--email', 'o@example.com', '--name', 'O', '--role', 'owner'];
    const { password } = await json(folder, 'members', 'create', ...options);
    assert.equal((await logIn(child.url, 'o@example.com', password)).status, 200);
    const response = await fetch(`${child.url}/auth/register-email`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        name: 'P',
        email: 'p@example.com',
        password: 'correct horse',
        setup_code: code,
      }),
    });
    assert.equal(response.status, 403);
  });

  test('a member is made, logs in at once, and is out on the next request when removed', async () => {
    const { password } = await json(folder, 'members', 'create', '--email', 'c@example.com', '--name', 'C');
    const { status, token } = await logIn(child.url, 'c@example.com', password);
    assert.equal(status, 200);
    assert.equal(await statusOf(child.url, token), 200);
    const reset = await json(folder, 'members', 'reset-password', 'c@example.com');
    assert.equal(await statusOf(child.url, token), 401);
    const again = await logIn(child.url, 'c@example.com', reset.password);
    await run(folder, 'members', 'remove', 'c@example.com');
    assert.equal(await statusOf(child.url, again.token), 401);
    assert.equal((await logIn(child.url, 'c@example.com', reset.password)).status, 401);
  });

  test('the token key is rotated under it: old tokens stay good, and the set of keys holds both', async () => {
    const { password } = await json(folder, 'members', 'create', '--email', 'd@example.com', '--name', 'D');
    const old = await logIn(child.url, 'd@example.com', password);
    const { kid } = await json(folder, 'tokens', 'rotate');
    const fresh = await logIn(child.url, 'd@example.com', password);
    const kidOf = (token: string) =>
      JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;
    assert.equal(kidOf(fresh.token), kid);
    assert.notEqual(kidOf(old.token), kid);
    for (const { token } of [old, fresh]) assert.equal(await statusOf(child.url, token), 200);
    const set = (await (await fetch(`${child.url}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string }[];
    };
    assert.deepEqual(
      set.keys.map((key) => key.kid),
      [kidOf(old.token), kid],
    );
  });

  test('the log holds the set-up code once, and no e-mail, password or token', async () => {
    const codes = child.log.filter((line) => 'setupCode' in line);
    assert.equal(codes.length, 1);
    assert.ok(child.stderr().includes(String(codes[0]?.setupCode)));
    const text = JSON.stringify(child.log);
    assert.ok(!text.includes('example.com'));
    assert.ok(!/eyJ|ses_/.test(text));
  });
});
