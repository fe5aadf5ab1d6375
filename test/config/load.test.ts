import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseListen } from '../../src/config/listen-address.ts';
import { loadConfig } from '../../src/config/load.ts';
import { environmentName, SETTING_NAMES, SETTINGS } from '../../src/config/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'visage-config-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'visage.toml');

function withFile(text: string): { VISAGE_CONFIG: string } {
  writeFileSync(file, text);
  return { VISAGE_CONFIG: file };
}

function refusal(environment: NodeJS.ProcessEnv): string {
  try {
    loadConfig(environment);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.match(error.message, /^[^\n]+$/);
    return error.message.replaceAll(file, 'FILE');
  }
  throw new Error('It was taken');
}

describe('Settings', () => {
  test('are not read from a file that every user may write', () => {
    const environment = withFile('max_queue = 3');
    chmodSync(file, 0o666);
    assert.equal(
      refusal(environment),
      'FILE: every user may write this settings file. Run `chmod o-w FILE`.',
    );
    chmodSync(file, 0o640);
    assert.equal(loadConfig(environment).maxQueue, 3);
  });

  test('have defaults', () => {
    const { listen, metricsListen, dataDir, modelPack, threads, maxQueue, maxBodyMemory, logLevel, access } =
      loadConfig({ PATH: '/bin' });
    assert.deepEqual(
      { listen, metricsListen, dataDir, modelPack, threads, maxQueue, maxBodyMemory, logLevel, access },
      {
        listen: { host: '127.0.0.1', port: 8080 },
        metricsListen: null,
        dataDir: resolve('data'),
        modelPack: 'yunet',
        threads: Math.min(availableParallelism(), 256),
        maxQueue: 64,
        maxBodyMemory: 512_000_000,
        logLevel: 'info',
        access: {
          trustedProxies: [],
          plan: { name: 'enterprise', keysPerMember: 20, maxRateLimit: 500 },
          prices: {},
          isPrepaid: false,
          sessionIdleMs: 1_800_000,
          addressRateLimit: 1200,
        },
      },
    );
  });

  test('of access come with plans to choose from, and money in whole micro-dollars', () => {
    const environment = withFile(
      'plan = "small"\naccount_balance = "prepaid"\n[plans.small]\nkeys_per_member = 2\nmax_rate_limit = 7\n' +
        '[prices]\nsearchFace = 0.0015\n',
    );
    const { access } = loadConfig({ ...environment, VISAGE_TRUSTED_PROXIES: '10.0.0.0/8, ::1' });
    assert.deepEqual(access.plan, { name: 'small', keysPerMember: 2, maxRateLimit: 7 });
    assert.deepEqual(access.prices, { searchFace: 1500 });
    assert.equal(access.isPrepaid, true);
    assert.deepEqual(
      access.trustedProxies.map(({ address, prefix }) => `${address}/${prefix}`),
      ['10.0.0.0/8', '::1/128'],
    );
    assert.throws(
      () => loadConfig({ VISAGE_TRUSTED_PROXIES: '10.0.0.0/33' }),
      /trusted_proxies|TRUSTED_PROXIES/,
    );
  });

  test('come from the file over the defaults and from the environment over the file', () => {
    const environment = withFile('listen = "[::1]:9000"\nthreads = 3\nmax_queue = 9\nlog_level = "warn"\n');
    const { listen, threads, maxQueue, logLevel } = loadConfig({ ...environment, VISAGE_THREADS: '5' });
    assert.deepEqual([listen, threads, maxQueue, logLevel], [{ host: '::1', port: 9000 }, 5, 9, 'warn']);
  });

  test('say what runs the networks', () => {
    assert.deepEqual(loadConfig({}).device, { choice: 'auto', maxBatch: 8, maxDelayMs: 1, memoryLimit: 0 });
    const environment = withFile(
      'device = "tensorrt"\nmax_batch = 16\nmax_delay_ms = 0\ngpu_memory_mb = 500\n',
    );
    assert.deepEqual(loadConfig(environment).device, {
      choice: 'tensorrt',
      maxBatch: 16,
      maxDelayMs: 0,
      memoryLimit: 500_000_000,
    });
    assert.throws(
      () => loadConfig({ VISAGE_DEVICE: 'gpu' }),
      /VISAGE_DEVICE: expected one of auto, cpu, cuda, tensorrt, got "gpu"/,
    );
  });

  test('that are tables keep the defaults of the keys that are not set', () => {
    const { web } = loadConfig(withFile('[image_url]\nenabled = true\n'));
    assert.deepEqual(web.imageUrl, { enabled: true, ports: [80, 443], allow: [] });
    assert.throws(
      () => loadConfig(withFile('plan = "free"\n[plans.free]\nkeys_per_member = 1')),
      ConfigError,
    );
    const environment = withFile('plan = "startup"\n[plans.free]\nkeys_per_member = 9\nmax_rate_limit = 9');
    assert.equal(loadConfig(environment).access.plan.maxRateLimit, 100);
  });

  test('in a file take paths from its folder, others from the working folder', () => {
    const environment = withFile(
      'data_dir = "faces"\nmodel_pack = "./pack"\nextra_model_packs = ["second", "./third"]\n',
    );
    const { dataDir, modelPack, extraModelPacks } = loadConfig(environment);
    assert.deepEqual([dataDir, modelPack], [join(folder, 'faces'), join(folder, 'pack')]);
    assert.deepEqual(extraModelPacks, ['second', join(folder, 'third')]);
    const over = loadConfig({ ...environment, VISAGE_DATA_DIR: 'faces', VISAGE_MODEL_PACK: './pack' });
    assert.deepEqual([over.dataDir, over.modelPack], [resolve('faces'), resolve('pack')]);
  });
});

describe('The refusal of an invalid setting names the setting, its origin, the rule and the value', () => {
  const cases: [string, NodeJS.ProcessEnv | string, string][] = [
    [
      'a typo in the environment',
      { VISAGE_LISTN: 'a' },
      'VISAGE_LISTN: unknown environment variable; did you mean VISAGE_LISTEN?',
    ],
    ['a typo in the file', 'treads = 2', 'FILE: unknown setting "treads"; did you mean threads?'],
    [
      'a dash for an underscore',
      'data-dir = "a"',
      'FILE: unknown setting "data-dir"; did you mean data_dir?',
    ],
    [
      'a table',
      '[server]\nport = 1',
      `FILE: unknown setting "server"; expected one of ${SETTING_NAMES.join(', ')}`,
    ],
    [
      'a port without a host',
      { VISAGE_LISTEN: '8080' },
      'VISAGE_LISTEN: expected host:port, such as "127.0.0.1:8080" or "[::1]:8080", got "8080"',
    ],
    ['a number as text', 'threads = "2"', 'threads in FILE: expected a whole number from 1 to 256, got "2"'],
    [
      'a number out of range',
      { VISAGE_THREADS: '0' },
      'VISAGE_THREADS: expected a whole number from 1 to 256, got 0',
    ],
    [
      'text for a number',
      { VISAGE_THREADS: 'all' },
      'VISAGE_THREADS: expected a whole number from 1 to 256, got "all"',
    ],
    ['a fraction', 'max_queue = 1.5', 'max_queue in FILE: expected a whole number from 1 to 65536, got 1.5'],
    [
      'a number with a unit',
      'max_delay_ms = -1',
      'max_delay_ms in FILE: expected a whole number of milliseconds from 0 to 1000, got -1',
    ],
    [
      'a list',
      'listen = ["a:1"]',
      'listen in FILE: expected host:port, such as "127.0.0.1:8080" or "[::1]:8080", got a list',
    ],
    [
      'an item of a list',
      'allowed_origins = ["https://a.example", "b.example"]',
      'allowed_origins[1] in FILE: expected an origin as browsers send it, such as "https://faces.example.com", got "b.example"',
    ],
    ['an empty path', { VISAGE_DATA_DIR: '' }, 'VISAGE_DATA_DIR: expected the path of a folder, got ""'],
    [
      'an unknown level',
      { VISAGE_LOG_LEVEL: 'loud' },
      'VISAGE_LOG_LEVEL: expected one of trace, debug, info, warn, error, fatal, silent, got "loud"',
    ],
    [
      'a table in the environment',
      { VISAGE_PRICES: '{}' },
      'VISAGE_PRICES: expected a table; each value is a number from 0 to 1000000, got "{}"',
    ],
    [
      'an unknown operation',
      '[prices]\nserchFace = 1',
      'prices in FILE: unknown name "serchFace"; did you mean searchFace?',
    ],
    [
      'an unknown key of a table',
      '[image_url]\nallowed = []',
      'image_url in FILE: unknown name "allowed"; did you mean allow?',
    ],
    [
      'a missing key of a table',
      '[[image_url.allow]]\naccount = "a"\nnetwork = "::1"',
      'image_url.allow[0].port in FILE: expected a whole number from 1 to 65535, got nothing',
    ],
    [
      'an unknown plan',
      { VISAGE_PLAN: 'toString' },
      'plan: expected one of free, startup, enterprise, got "toString"',
    ],
    [
      'a key without its certificate',
      { VISAGE_TLS_KEY: 'key.pem' },
      'tls_certificate: expected the path of a file because tls_key is set, got nothing',
    ],
    ['text that is not TOML', 'listen = \n', 'FILE:1:10: invalid TOML: invalid value'],
    [
      'a missing file',
      { VISAGE_CONFIG: '/nowhere/a.toml' },
      'VISAGE_CONFIG: expected a TOML file that this user may read at /nowhere/a.toml, got nothing',
    ],
    ['no file', { VISAGE_CONFIG: '' }, 'VISAGE_CONFIG: expected the path of a TOML file, got ""'],
  ];
  for (const [name, source, sentence] of cases) {
    test(name, () => {
      assert.equal(refusal(typeof source === 'string' ? withFile(source) : source), sentence);
    });
  }
});

describe('A number of the settings', () => {
  const names = SETTING_NAMES.filter((name) => SETTINGS[name].schema.type === 'integer');

  test('is finite and whole in the file', () => {
    for (const value of ['inf', '-inf', '+inf', 'nan', '1e300', '0.5']) {
      for (const name of names) {
        assert.throws(() => loadConfig(withFile(`${name} = ${value}`)), ConfigError, `${name} = ${value}`);
      }
      if (value === '0.5') continue;
      assert.throws(() => loadConfig(withFile(`[prices]\nsearchFace = ${value}`)), ConfigError, value);
      const plan = `[plans.a]\nkeys_per_member = ${value}\nmax_rate_limit = 1`;
      assert.throws(() => loadConfig(withFile(plan)), ConfigError, value);
    }
    assert.match(refusal(withFile('threads = inf')), /^threads in FILE: expected .*, got Infinity$/);
  });

  test('is written in decimal digits in the environment', () => {
    for (const text of ['Infinity', '1e2', '0x50', ' 5', '', '+5', '5.0', '٥', '1_0']) {
      for (const name of names) {
        assert.throws(() => loadConfig({ [environmentName(name)]: text }), ConfigError, `${name}=${text}`);
      }
    }
  });
});

test('An address to listen on is host:port', () => {
  const right: [string, string, number][] = [
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['[::1]:8080', '::1', 8080],
    ['[fe80::1%eth0]:1', 'fe80::1%eth0', 1],
    ['localhost:65535', 'localhost', 65535],
  ];
  for (const [text, host, port] of right) assert.deepEqual(parseListen(text), { host, port });
  for (const text of [
    '',
    ':80',
    'a',
    'a:',
    '::1:80',
    '[::1]',
    'a:65536',
    'a:-1',
    'a:1 ',
    'http://a:1',
    'a:0x1',
    '[x]:1',
  ]) {
    assert.equal(parseListen(text), null, text);
  }
});
