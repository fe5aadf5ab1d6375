/** See `docs/how-to/add-a-setting.md`. */
import { availableParallelism, homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { PROVIDERS } from '../native/device.ts';
import { OPERATIONS } from './operations.ts';
import { BOOLEAN, list, oneOf, type Setting, type Source, text, wholeNumber } from './setting.ts';

const MAX_THREADS = 256;
/** Below `LimitNOFILE` of `visage.service`, which would close connections without an answer. */
const MAX_CONNECTIONS = 60_000;
const COUNT = wholeNumber(1, 1_000_000);
const PORT = wholeNumber(1, 65535);

/** Outside the data folder: a thief of the folder does not get the key. */
function defaultBackupKey({ environment, file }: Source): string {
  if (file !== undefined) return join(dirname(resolve(file)), 'backup.key');
  const state = environment.XDG_STATE_HOME || join(environment.HOME || homedir(), '.local', 'state');
  return join(state, 'visage', 'backup.key');
}

export const SETTING_GROUPS = {
  'Addresses and connections': {
    listen: {
      schema: text('host-port'),
      default: '127.0.0.1:8080',
      reload: false,
      about: 'Serve the API over plain HTTP at this address.',
    },
    metrics_listen: {
      schema: text('host-port'),
      default: null,
      example: '127.0.0.1:9464',
      reload: false,
      about: 'Serve `/metrics` for Prometheus at this address.',
    },
    max_connections: {
      schema: wholeNumber(1, MAX_CONNECTIONS),
      default: 4096,
      reload: true,
      about: 'Limit the open connections of all listeners together.',
    },
    max_connections_per_address: {
      schema: wholeNumber(1, MAX_CONNECTIONS),
      default: 64,
      reload: true,
      about:
        'Limit the open connections from one IPv4 address or one IPv6 /64; `trusted_proxies` are exempt.',
    },
    idle_timeout: {
      schema: wholeNumber(5, 600),
      unit: 'seconds',
      default: 65,
      reload: true,
      about: 'Close a connection that sends no request for this long.',
    },
    trusted_proxies: {
      schema: list(text('network')),
      default: [],
      example: ['10.0.0.5', '::1'],
      reload: true,
      about: 'Trust the `X-Forwarded-For` header of these reverse proxies.',
    },
  },

  TLS: {
    tls_listen: {
      schema: text('host-port'),
      default: null,
      example: '0.0.0.0:8443',
      reload: false,
      about: 'Serve the API over HTTPS at this address.',
    },
    tls_certificate: {
      schema: text('file'),
      default: null,
      example: 'tls/certificate.pem',
      reload: true,
      about:
        'Read the certificate, followed by its chain, from this PEM file. Without it, the service makes a self-signed certificate.',
    },
    tls_key: {
      schema: text('file'),
      default: null,
      example: 'tls/key.pem',
      isSecret: true,
      reload: true,
      about: 'Read the private key of `tls_certificate` from this PEM file.',
    },
    tls_redirect: {
      schema: BOOLEAN,
      default: false,
      reload: true,
      about: 'Redirect every request over plain HTTP to HTTPS.',
    },
    hsts_max_age: {
      schema: wholeNumber(0, 63_072_000),
      unit: 'seconds',
      default: 0,
      reload: true,
      about: 'Tell browsers to use only HTTPS for this long; 0 sends no HSTS header.',
    },
  },

  'Data and audit log': {
    data_dir: {
      schema: text('folder'),
      default: './data',
      reload: false,
      about: 'Keep the store, keys, snapshots and the admin socket in this folder.',
    },
    backup_key: {
      schema: text('file'),
      default: defaultBackupKey,
      defaultText:
        '`backup.key` beside the settings file; without a file, `~/.local/state/visage/backup.key`',
      example: 'backup.key',
      isSecret: true,
      reload: true,
      about: 'Read the key that authenticates backups from this file; only `visagectl` uses it.',
    },
    events_days: {
      schema: wholeNumber(0, 365),
      unit: 'days',
      default: 1,
      reload: false,
      about: 'Keep events of recognition for this long; 0 records no events and no times of last matches.',
    },
    max_events: {
      schema: wholeNumber(1000, 10_000_000),
      default: 1_000_000,
      reload: false,
      about: 'Limit the events; the service removes the oldest ones of the account with the most.',
    },
    event_crop_days: {
      schema: wholeNumber(0, 365),
      unit: 'days',
      default: 1,
      reload: false,
      about:
        'Keep the images of faces in events for this long, in collections that keep thumbnails; 0 keeps none.',
    },
    backup_dir: {
      schema: text('folder'),
      default: null,
      example: '/var/backups/visage',
      reload: true,
      about: 'Write backups that an admin starts in the dashboard into this folder, outside the data folder.',
    },
    backup_keep: {
      schema: wholeNumber(1, 99_999),
      default: 7,
      reload: true,
      about: 'Keep this many backups in `backup_dir`; a new one removes older ones beyond it.',
    },
    audit_max_entries: {
      schema: wholeNumber(1000, 100_000_000),
      default: 1_000_000,
      reload: false,
      about:
        'Keep at most this many audit entries. Beyond it, remove the oldest entries of the account with the most.',
    },
    audit_max_days: {
      schema: wholeNumber(1, 36500),
      unit: 'days',
      default: 400,
      reload: false,
      about: 'Remove audit entries that are older.',
    },
  },

  'Models and processing': {
    model_pack: {
      schema: text('model-pack'),
      default: 'yunet',
      reload: false,
      about: 'Use this model pack by default.',
    },
    extra_model_packs: {
      schema: list(text('model-pack')),
      default: [],
      example: ['/srv/models/second'],
      reload: false,
      about: 'Load these model packs too; a request selects one with `model`.',
    },
    threads: {
      schema: wholeNumber(1, MAX_THREADS),
      default: () => Math.min(availableParallelism(), MAX_THREADS),
      defaultText: 'one per CPU core',
      example: 8,
      reload: false,
      about: 'Decode images, run networks and search with this many threads.',
    },
    rows_on_disk_from: {
      schema: wholeNumber(0, 1_000_000_000),
      unit: 'faces',
      default: 0,
      reload: false,
      about:
        'Keep the rows of galleries with at least this many faces on disk, and a fifth in memory; 0 for none.',
    },
    max_queue: {
      schema: wholeNumber(1, 65536),
      default: 64,
      reload: false,
      about: 'Queue at most this many images for a thread; answer 503 `OVERLOADED` beyond it.',
    },
    max_body_memory: {
      schema: wholeNumber(128, 1_000_000),
      unit: 'megabytes',
      default: 512,
      reload: false,
      about: 'Limit the memory of all request bodies together; answer 503 `OVERLOADED` beyond it.',
    },
    device: {
      schema: oneOf('auto', ...PROVIDERS),
      default: 'auto',
      reload: false,
      about: 'Run the networks on this device; `auto` selects the fastest that works.',
    },
    max_batch: {
      schema: wholeNumber(1, 64),
      default: 8,
      reload: false,
      about: 'On a GPU, batch at most this many inputs in one run of a network.',
    },
    max_delay_ms: {
      schema: wholeNumber(0, 1000),
      unit: 'milliseconds',
      default: 1,
      reload: false,
      about: 'On a GPU, wait at most this long for more inputs to batch.',
    },
    gpu_memory_mb: {
      schema: wholeNumber(0, 1_000_000),
      unit: 'megabytes',
      default: 0,
      reload: false,
      about: 'Limit the GPU memory of each network; 0 sets no limit.',
    },
  },

  'Accounts, plans and prices': {
    registration: {
      schema: oneOf('closed', 'open'),
      default: 'closed',
      reload: false,
      about: 'Let anyone register an account (`open`), or only the operator (`closed`).',
    },
    session_idle_minutes: {
      schema: wholeNumber(5, 720),
      unit: 'minutes',
      default: 30,
      reload: true,
      about: 'End a session of the dashboard this long after the last act of its member.',
    },
    plan: {
      schema: text('plan'),
      default: 'enterprise',
      reload: true,
      about: 'Apply this plan, a name from `plans`, to every account.',
    },
    plans: {
      schema: {
        type: 'object',
        additionalProperties: {
          type: 'object',
          additionalProperties: false,
          required: ['keys_per_member', 'max_rate_limit'],
          properties: {
            keys_per_member: { ...COUNT, description: 'Limit the API keys of each member.' },
            max_rate_limit: {
              ...COUNT,
              description:
                'Limit the requests per minute of each key. A key without a rate limit gets this one.',
            },
          },
        },
      },
      default: {
        free: { keys_per_member: 1, max_rate_limit: 20 },
        startup: { keys_per_member: 5, max_rate_limit: 100 },
        enterprise: { keys_per_member: 20, max_rate_limit: 500 },
      },
      reload: true,
      about: 'Define plans. A plan that you add leaves the default ones in place.',
    },
    account_balance: {
      schema: oneOf('unlimited', 'prepaid'),
      default: 'unlimited',
      reload: true,
      about: 'Charge priced calls to a balance that the account tops up (`prepaid`), or only count them.',
    },
    prices: {
      schema: {
        type: 'object',
        propertyNames: { enum: OPERATIONS },
        additionalProperties: { type: 'number', minimum: 0, maximum: 1_000_000 },
      },
      default: {},
      example: { searchFace: 0.001 },
      reload: true,
      about:
        'Charge this many US dollars for each call of an operation. `/openapi.json` lists the operations; the others are free.',
    },
    address_rate_limit: {
      schema: COUNT,
      unit: 'requests per minute',
      default: 1200,
      reload: true,
      about:
        'Limit the requests without a valid credential from one address. Health probes, CORS preflights, redirects to HTTPS and metrics each have a separate limit.',
    },
  },

  'Browsers and image URLs': {
    web: {
      schema: BOOLEAN,
      default: true,
      reload: false,
      about: 'Serve the dashboard at `/`.',
    },
    dashboard_origin: {
      schema: text('origin'),
      default: null,
      example: 'https://faces.example.com',
      reload: false,
      about: 'Let pages of this origin call the account endpoints.',
    },
    allowed_origins: {
      schema: list(text('origin')),
      default: [],
      example: ['https://app.example.com'],
      reload: false,
      about: 'Let pages of these origins call the recognition endpoints.',
    },
    image_url: {
      schema: {
        type: 'object',
        additionalProperties: false,
        properties: {
          enabled: { ...BOOLEAN, default: false, description: 'Accept image URLs.' },
          ports: { ...list(PORT), default: [80, 443], description: 'Allow these ports of public addresses.' },
          allow: {
            ...list({
              type: 'object',
              additionalProperties: false,
              required: ['account', 'network', 'port'],
              properties: {
                account: text('account'),
                network: text('network'),
                port: PORT,
              },
            }),
            default: [],
            description: 'Let an account fetch from a private network too, such as from a camera.',
          },
        },
      },
      default: {},
      example: {
        enabled: true,
        ports: [80, 443],
        allow: [{ account: 'acc_01J...', network: '192.168.10.0/24', port: 80 }],
      },
      reload: false,
      about: 'Fetch images by URL. Under systemd, this also needs the drop-in `image-url.conf`.',
    },
  },

  Log: {
    log_level: {
      schema: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
      default: 'info',
      reload: true,
      about: 'Log entries of this level and above.',
    },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Setting>>>>;
