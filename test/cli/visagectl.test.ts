import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { keysCreate } from '../../src/cli/keys-create.ts';
import {
  type Child,
  childEnvironment,
  startChild,
  temporaryFolder,
  VISAGECTL,
  visagectl,
} from '../e2e/service.ts';

type Folder = Awaited<ReturnType<typeof temporaryFolder>>;
const folders: Folder[] = [];
async function newFolder(): Promise<string> {
  const folder = await temporaryFolder();
  folders.push(folder);
  return folder.path;
}
after(() => Promise.all(folders.map((folder) => folder.remove())));

async function status(url: string, key: string): Promise<number> {
  return (await fetch(`${url}/v1/collection/get-all`, { headers: { Authorization: `ApiKey ${key}` } }))
    .status;
}

/** Runs a command that must succeed. */
async function run(folder: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await visagectl(args, { VISAGE_DATA_DIR: folder });
  assert.equal(code, 0, stderr);
  return stdout;
}

describe('With a running service', () => {
  let child: Child;
  let folder: string;
  before(async () => {
    folder = await newFolder();
    child = await startChild(folder);
  });
  after(() => child.stop());

  test('a key is made, works at once, is listed without itself, and stops to work when revoked', async () => {
    const output = await visagectl(['keys', 'create', '--name', 'first'], { VISAGE_DATA_DIR: folder });
    const key = output.stdout.trim();
    assert.match(key, /^fr_live_[0-9a-f]{32}$/);
    assert.ok(!output.stderr.includes(key));
    assert.equal(await status(child.url, key), 200);
    const list = await run(folder, 'keys', 'list', '--json');
    const [{ id, name, key_prefix }] = JSON.parse(list).keys;
    assert.deepEqual([name, key_prefix], ['first', key.slice(0, 12)]);
    assert.ok(!list.includes(key));
    assert.match(await run(folder, 'keys', 'list'), new RegExp(`^${id} .* first\\n$`));
    await run(folder, 'keys', 'revoke', id);
    assert.equal(await status(child.url, key), 401);
    assert.deepEqual(JSON.parse(await run(folder, 'keys', 'list', '--json')), { keys: [] });
  });

  test('JSON holds what there is to know of a new key', async () => {
    const options = [
      ...['--name', 'a b', '--collection', 'c', '--environment', 'test', '--json'],
      ...['--scope', 'v1:faces', '--scope', 'v1:collections', '--ip', '10.0.0.0/8', '--ip', '::1'],
      ...['--rate-limit', '20', '--expires-in-days', '7', '--budget-usd', '0.5'],
    ];
    const { id, key, account_id, created_at, ...rest } = JSON.parse(
      await run(folder, 'keys', 'create', ...options),
    );
    assert.match(id, /^key_/);
    assert.match(key, /^fr_test_/);
    assert.match(account_id, /^acc_/);
    assert.ok(Math.abs(Date.parse(created_at) - Date.now()) < 60_000);
    assert.deepEqual(rest, {
      name: 'a b',
      environment: 'test',
      collection_id: 'c',
      key_prefix: key.slice(0, 12),
      scopes: ['v1:faces', 'v1:collections'],
      rate_limit: 20,
      allowed_ips: ['10.0.0.0/8', '::1'],
      allowed_face_ids: null,
      allowed_llm_models: null,
      budget_usd: 0.5,
      spent_usd: 0,
      frozen: false,
      member_id: null,
      expires_at: new Date(Date.parse(created_at) + 7 * 86_400_000).toISOString(),
      last_used_at: null,
    });
  });

  test('what the service refuses is told in its words', async () => {
    const settings = { VISAGE_DATA_DIR: folder };
    const unknown = await visagectl(['keys', 'revoke', 'key_unknown'], settings);
    assert.deepEqual([unknown.code, unknown.stderr], [65, 'visagectl: There is no API key of this id.\n']);
    const wrong = await visagectl(['keys', 'create', '--name', 'a', '--collection', 'a b'], settings);
    assert.equal(wrong.code, 65);
    assert.match(wrong.stderr, /collection_id/);
  });

  test('the socket is for its user only, and gone when the service has ended', async () => {
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(join(folder, 'admin.sock')).mode & 0o777, 0o600);
  });

  test('a second service on the same folder is refused', async () => {
    await assert.rejects(startChild(folder), (error: { code?: number; stderr?: string }) => {
      assert.equal(error.code, 75);
      assert.match(
        error.stderr ?? '',
        /^visage: The data folder .* is in use by another process of Visage\.\n$/,
      );
      return true;
    });
  });
});

describe('Without a service', () => {
  test('a key is made in the store itself, and the service knows it when it starts', async () => {
    const folder = join(await newFolder(), 'made', 'on the way');
    const key = (await run(folder, 'keys', 'create', '--name', 'early')).trim();
    const child = await startChild(folder);
    try {
      assert.equal(await status(child.url, key), 200);
    } finally {
      assert.equal(await child.stop(), 0);
    }
    assert.match(await run(folder, 'keys', 'list'), /early/);
  });

  test('a socket that a killed service left is passed over, by the next service too', async () => {
    const folder = await newFolder();
    const killed = await startChild(folder);
    killed.process.kill('SIGKILL');
    await new Promise((resolve) => killed.process.once('close', resolve));
    const key = (await run(folder, 'keys', 'create', '--name', 'after')).trim();
    const child = await startChild(folder);
    assert.equal(await status(child.url, key), 200);
    await child.stop();
  });

  test('a folder whose path is too long for a socket serves all the same', async () => {
    const folder = join(await newFolder(), 'long'.repeat(30));
    const child = await startChild(folder);
    const key = (await run(folder, 'keys', 'create', '--name', 'far')).trim();
    assert.equal(await status(child.url, key), 200);
    assert.equal(await child.stop(), 0);
  });

  test('the folder is found by option, variable and file as the service finds it', async () => {
    const folder = await newFolder();
    const made = async (args: string[], settings: Record<string, string>) => {
      const output = await visagectl(['keys', 'create', '--name', 'a', ...args], settings);
      assert.equal(output.code, 0, output.stderr);
    };
    await made(['--data-dir', folder], { VISAGE_DATA_DIR: '/nowhere' });
    await made([], { VISAGE_DATA_DIR: folder });
    const file = join(folder, 'visage.toml');
    execFileSync('sh', ['-c', `printf 'data_dir = "."' > "$0"`, file]);
    await made(['--config', file], {});
    await made([], { VISAGE_CONFIG: file });
    assert.equal(JSON.parse(await run(folder, 'keys', 'list', '--json')).keys.length, 4);
  });

  test('it runs through a symbolic link from any folder', async () => {
    const folder = await newFolder();
    mkdirSync(join(folder, 'bin'));
    symlinkSync(VISAGECTL, join(folder, 'bin', 'visagectl'));
    const output = execFileSync(join(folder, 'bin', 'visagectl'), ['keys', 'list', '--json'], {
      cwd: folder,
      env: childEnvironment({}),
    });
    assert.deepEqual(JSON.parse(output.toString()), { keys: [] });
  });
});

describe('A wrong command line', () => {
  const cases: [string[], RegExp][] = [
    [[], /A command is missing/],
    [['key', 'create'], /Unknown command "key create": did you mean "keys create"\?/],
    [['keys', 'create'], /--name NAME is missing/],
    [['keys', 'create', '--nam', 'a'], /Unknown option --nam: did you mean --name\?/],
    [['keys', 'create', '--name'], /--name <value>/],
    [['keys', 'create', '--name', 'a', '--environment', 'prod'], /--environment is one of live, test/],
    [['keys', 'create', '--name', 'a', 'b'], /Unexpected "b"/],
    [['keys', 'revoke'], /ID is missing/],
    [['keys'], /"keys" is followed by one of create, list, revoke\./],
    [['members', 'role', 'a', 'ower'], /ROLE is one of member, admin, owner: did you mean owner\?/],
  ];
  for (const [args, sentence] of cases) {
    test(`is refused: visagectl ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await visagectl(args, { VISAGE_DATA_DIR: '/nowhere' });
      assert.deepEqual([code, stdout], [64, '']);
      assert.match(stderr, sentence);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }

  test('or setting is told in one sentence', async () => {
    const { code, stderr } = await visagectl(['keys', 'list'], { VISAGE_DATA_DIRR: 'a' });
    assert.deepEqual(
      [code, stderr],
      [78, 'visagectl: Unknown environment variable VISAGE_DATA_DIRR: did you mean VISAGE_DATA_DIR?\n'],
    );
  });

  test('--help lists the commands', async () => {
    const { code, stdout } = await visagectl(['--help'], {});
    assert.equal(code, 0);
    for (const { name } of COMMANDS) assert.ok(stdout.includes(`  ${name}  `), name);
  });

  test('--help after a command explains it and each of its options', async () => {
    const { code, stdout } = await visagectl(['keys', 'create', '--help'], {});
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: visagectl keys create --name NAME \[--collection ID\]/);
    for (const option of Object.keys(keysCreate.options))
      assert.ok(stdout.includes(`\n  --${option}`), option);
    const family = await visagectl(['help', 'members'], {});
    assert.match(family.stdout, /members reset-password/);
    assert.doesNotMatch(family.stdout, /keys create/);
  });
});
