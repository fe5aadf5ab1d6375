import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { COMMAND_NAMES, loadCommand } from '../../src/cli/commands.ts';
import { keysCreate } from '../../src/cli/keys.ts';
import {
  type Child,
  childEnvironment,
  MAIN,
  ROOT,
  startChild,
  temporaryFolder,
  VISAGECTL,
  visagectl,
} from '../../testing/service.ts';

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
      suspended: false,
      member_id: null,
      expires_at: new Date(Date.parse(created_at) + 7 * 86_400_000).toISOString(),
      last_used_at: null,
      collection_missing: true,
    });
  });

  test('a new key for an unknown collection comes with a warning, for a known one without', async () => {
    const settings = { VISAGE_DATA_DIR: folder };
    await run(folder, 'collections', 'create', 'known');
    const create = (collection: string, ...more: string[]) =>
      visagectl(['keys', 'create', '--name', 'a', '--collection', collection, ...more], settings);
    const unknown = await create('nope');
    assert.equal(unknown.code, 0);
    assert.match(unknown.stderr, /There is no live collection nope yet/);
    assert.doesNotMatch((await create('known')).stderr, /There is no/);
    assert.match(
      (await create('known', '--environment', 'test')).stderr,
      /There is no test collection known yet/,
    );
  });

  test('what the service refuses is told in its words', async () => {
    const settings = { VISAGE_DATA_DIR: folder };
    const unknown = await visagectl(['keys', 'revoke', 'key_unknown'], settings);
    assert.deepEqual([unknown.code, unknown.stderr], [65, 'visagectl: No API key has this id.\n']);
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
    const key = (await run(folder, 'keys', 'create', '--name', 'early', '--create')).trim();
    const child = await startChild(folder);
    try {
      assert.equal(await status(child.url, key), 200);
    } finally {
      assert.equal(await child.stop(), 0);
    }
    assert.match(await run(folder, 'keys', 'list'), /early/);
  });

  const writing: string[][] = [
    ['keys', 'create', '--name', 'a'],
    ['keys', 'list'],
    ['keys', 'revoke', 'key_a'],
    ['members', 'create', '--email', 'a@example.com', '--name', 'A'],
    ['members', 'list'],
    ['members', 'role', 'a', 'admin'],
    ['members', 'remove', 'a'],
    ['members', 'reset-password', 'a'],
    ['tokens', 'rotate'],
  ];
  for (const args of writing) {
    test(`no store is made by the way: visagectl ${args.join(' ')}`, async () => {
      const folder = join(await newFolder(), 'elsewhere');
      const { code, stdout, stderr } = await visagectl(args, { VISAGE_DATA_DIR: folder });
      assert.deepEqual([code, stdout], [65, '']);
      assert.match(
        stderr,
        /^visagectl: There is no store in .*elsewhere \(from VISAGE_DATA_DIR\), and no service/,
      );
      assert.equal(stderr.includes('--create'), args[1] === 'create');
      assert.ok(!existsSync(folder), 'nothing was made');
    });
  }

  test('a refusal names where the folder of the wrong store comes from', async () => {
    const folder = await newFolder();
    const file = join(folder, 'visage.toml');
    writeFileSync(file, 'data_dir = "nowhere"');
    const told = async (args: string[], settings: Record<string, string>) =>
      (await visagectl(['keys', 'list', ...args], settings)).stderr;
    const environment = { VISAGE_CONFIG: file };
    assert.ok((await told([], environment)).includes(`(from data_dir in ${file})`));
    assert.ok((await told(['--data-dir', join(folder, 'b')], environment)).includes('(from --data-dir)'));
    writeFileSync(file, '');
    const cwd = await newFolder();
    assert.throws(
      () =>
        execFileSync(VISAGECTL, ['keys', 'list'], { cwd, env: childEnvironment(environment), stdio: 'pipe' }),
      /\(from the default of data_dir\)/,
    );
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
      const output = await visagectl(['keys', 'create', '--name', 'a', '--create', ...args], settings);
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
    const output = execFileSync(join(folder, 'bin', 'visagectl'), ['version', '--json'], {
      cwd: folder,
      env: childEnvironment({}),
    });
    assert.match(JSON.parse(output.toString()).version, /^\d+\.\d+\.\d+$/);
  });
});

describe('The version', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

  test('of visagectl is that of package.json', async () => {
    for (const args of [['--version'], ['version']]) {
      const { code, stdout } = await visagectl(args, { VISAGE_DATA_DIR: '/nowhere' });
      assert.deepEqual([code, stdout], [0, `visagectl ${version}\n`]);
    }
  });

  test('is the only thing that the program of the service says with --version, and --help explains it', () => {
    const main = (...args: string[]) =>
      spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env: childEnvironment({}), cwd: '/' });
    const { status: code, stdout, stderr } = main('--version');
    assert.deepEqual([code, stdout, stderr], [0, `visage ${version}\n`, '']);
    assert.match(main('--help').stdout, /^Usage: .*VISAGE_CONFIG/s);
    for (const args of [['--verison'], ['start'], ['--version', 'x'], ['--help', '--version']]) {
      const refused = main(...args);
      assert.deepEqual([refused.status, refused.stdout], [64, ''], args.join(' '));
      assert.match(
        refused.stderr,
        /^visage: Unexpected argument ".*": the service takes only --help and --version/,
      );
    }
  });

  test('is raised with each release: what the change log has no release for has a version of its own', () => {
    const headings = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8').matchAll(/^## (\S+)/gm);
    const [newest, ...older] = Array.from(headings, ([, heading]) => heading);
    assert.ok(newest === 'Unreleased' || newest === version, `the newest section is ${newest}`);
    assert.ok(!older.includes(version), `${version} was released before`);
  });

  test('is written in package.json alone, and everything that is made from it is up to date', () => {
    const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
    const lock = JSON.parse(read('package-lock.json'));
    assert.deepEqual([lock.version, lock.packages[''].version], [version, version]);
    assert.equal(JSON.parse(read('docs/openapi.json')).info.version, version);
    for (const page of ['visage.8', 'visagectl.1', 'visage.toml.5']) {
      assert.ok(read(`man/${page}`).includes(`"Visage ${version}"`), page);
    }
    const tracked = execFileSync(
      'git',
      ['ls-files', 'src', 'packaging', 'scripts', 'systemd', 'install.sh'],
      {
        cwd: ROOT,
        encoding: 'utf8',
      },
    );
    const named = tracked
      .trim()
      .split('\n')
      .filter((file) => statSync(join(ROOT, file)).isFile() && read(file).includes(version));
    assert.deepEqual(named, []);
  });
});

describe('A wrong command line', () => {
  const cases: [string[], RegExp][] = [
    [[], /Missing command/],
    [['key', 'create'], /Unknown command "key create": did you mean "keys create"\?/],
    [['keys', 'create'], /Missing option: --name NAME/],
    [['keys', 'create', '--nam', 'a'], /Unknown option --nam: did you mean --name\?/],
    [['keys', 'create', '--name'], /--name <value>/],
    [
      ['keys', 'create', '--name', 'a', '--environment', 'prod'],
      /--environment: expected one of live, test; got "prod"/,
    ],
    [['keys', 'create', '--name', 'a', 'b'], /Unexpected argument "b"/],
    [['keys', 'revoke'], /Missing argument: ID/],
    [['keys'], /keys: expected one of create, list, revoke\./],
    [
      ['members', 'role', 'a', 'ower'],
      /ROLE: expected one of member, admin, owner; got "ower": did you mean owner\?/,
    ],
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
      [78, 'visagectl: VISAGE_DATA_DIRR: unknown environment variable; did you mean VISAGE_DATA_DIR?\n'],
    );
  });

  test('--help lists the commands', async () => {
    const { code, stdout } = await visagectl(['--help'], {});
    assert.equal(code, 0);
    for (const name of COMMAND_NAMES) {
      assert.ok(stdout.includes(`  ${name}  `), name);
      assert.equal((await loadCommand(name)).name, name);
    }
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
