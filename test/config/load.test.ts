import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseListen } from '../../src/config/listen-address.ts';
import { loadConfig } from '../../src/config/load.ts';
import { SETTING_NAMES } from '../../src/config/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'visage-config-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'visage.toml');

/** Environment that names a file of this text. */
function withFile(text: string): { VISAGE_CONFIG: string } {
  writeFileSync(file, text);
  return { VISAGE_CONFIG: file };
}

/** The sentence that stops the start. */
function refusal(environment: NodeJS.ProcessEnv): string {
  try {
    loadConfig(environment);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.match(error.message, /^[^\n]+[.?]$/);
    return error.message.replaceAll(file, 'FILE');
  }
  throw new Error('It was taken');
}

describe('Settings', () => {
  test('have defaults', () => {
    const { listen, metricsListen, dataDir, modelPack, threads, maxQueue, logLevel, access } = loadConfig({
      PATH: '/bin',
    });
    assert.deepEqual(
      { listen, metricsListen, dataDir, modelPack, threads, maxQueue, logLevel, access },
      {
        listen: { host: '127.0.0.1', port: 8080 },
        metricsListen: null,
        dataDir: resolve('data'),
        modelPack: 'faceplugin',
        threads: Math.min(availableParallelism(), 256),
        maxQueue: 64,
        logLevel: 'info',
        access: {
          trustedProxies: [],
          plan: { name: 'enterprise', keysPerMember: 20, maxRateLimit: 500 },
          prices: {},
          isPrepaid: false,
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
    assert.throws(() => loadConfig({ VISAGE_PLAN: 'toString' }), /free, startup, enterprise/);
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
      /VISAGE_DEVICE is "gpu", but it must be one of auto, cpu, cuda, tensorrt\./,
    );
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

describe('A wrong setting is refused with a sentence that says which, where and what is right', () => {
  const cases: [string, NodeJS.ProcessEnv | string, string][] = [
    [
      'a typo in the environment',
      { VISAGE_LISTN: 'a' },
      'Unknown environment variable VISAGE_LISTN: did you mean VISAGE_LISTEN?',
    ],
    ['a typo in the file', 'treads = 2', 'Unknown setting "treads" in FILE: did you mean threads?'],
    [
      'a dash for an underscore',
      'data-dir = "a"',
      'Unknown setting "data-dir" in FILE: did you mean data_dir?',
    ],
    [
      'a table',
      '[server]\nport = 1',
      `Unknown setting "server" in FILE: the known ones are ${SETTING_NAMES.join(', ')}.`,
    ],
    [
      'a port without a host',
      { VISAGE_LISTEN: '8080' },
      'Environment variable VISAGE_LISTEN is "8080", but it must be host:port, such as "127.0.0.1:8080" or "[::1]:8080".',
    ],
    [
      'a number as text',
      'threads = "2"',
      'Setting "threads" in FILE is "2", but it must be a whole number from 1 to 256.',
    ],
    [
      'a number out of range',
      { VISAGE_THREADS: '0' },
      'Environment variable VISAGE_THREADS is 0, but it must be a whole number from 1 to 256.',
    ],
    [
      'text for a number',
      { VISAGE_THREADS: 'all' },
      'Environment variable VISAGE_THREADS is "all", but it must be a whole number from 1 to 256.',
    ],
    [
      'a fraction',
      'max_queue = 1.5',
      'Setting "max_queue" in FILE is 1.5, but it must be a whole number from 1 to 65536.',
    ],
    [
      'a list',
      'listen = ["a:1"]',
      'Setting "listen" in FILE is a list, but it must be host:port, such as "127.0.0.1:8080" or "[::1]:8080".',
    ],
    [
      'nothing',
      { VISAGE_DATA_DIR: '' },
      'Environment variable VISAGE_DATA_DIR is "", but it must be the path of a folder.',
    ],
    [
      'a level that is none',
      { VISAGE_LOG_LEVEL: 'loud' },
      'Environment variable VISAGE_LOG_LEVEL is "loud", but it must be one of trace, debug, info, warn, error, fatal, silent.',
    ],
    [
      'text that is not TOML',
      'listen = \n',
      'The settings file FILE is not TOML: line 1, column 10: invalid value.',
    ],
    [
      'a file that is not there',
      { VISAGE_CONFIG: '/nowhere/a.toml' },
      'The settings file /nowhere/a.toml named by VISAGE_CONFIG cannot be read: it is not there.',
    ],
    ['no file', { VISAGE_CONFIG: '' }, 'VISAGE_CONFIG is empty, but it must be the path of a TOML file.'],
  ];
  for (const [name, source, sentence] of cases) {
    test(name, () => {
      assert.equal(refusal(typeof source === 'string' ? withFile(source) : source), sentence);
    });
  }
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
