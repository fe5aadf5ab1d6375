import type { KeyAdministration } from '../access/keys/key-administration.ts';
import { newKeyBody } from '../access/keys/key-settings.ts';
import { parseDecimal } from '../base/decimal.ts';
import { usageError } from '../ops/exit-codes.ts';
import { type Administrations, administer } from './admin-access.ts';
import {
  CREATE_OPTION,
  columns,
  command,
  DATA_OPTIONS,
  type DataOptions,
  JSON_OPTION,
  print,
} from './command.ts';
import { line, tell } from './output.ts';

const ADMINISTRATIONS: Administrations<KeyAdministration> = {
  remote: (call) => ({
    create: async (key) => (await call('POST', '/api-keys', key)) as never,
    list: async () => ((await call('GET', '/api-keys')) as { keys: never }).keys,
    revoke: async (id) => {
      await call('DELETE', `/api-keys/${encodeURIComponent(id)}`);
    },
  }),
  local: async (store, config) => {
    const { keyAdministration } = await import('../access/keys/key-administration.ts');
    const { auditOf } = await import('./stopped-store.ts');
    return keyAdministration(store, auditOf(store, config));
  },
};

function withKeys<T>(
  options: DataOptions & { readonly create?: boolean },
  work: (keys: KeyAdministration) => Promise<T>,
): Promise<T> {
  return administer(options, ADMINISTRATIONS, work);
}

const NUMBERS = ['rate-limit', 'expires-in-days', 'budget-usd'] as const;

function numbers(values: Readonly<Record<(typeof NUMBERS)[number], string | undefined>>) {
  const found: Record<string, number> = {};
  for (const option of NUMBERS) {
    const text = values[option];
    if (text === undefined) continue;
    const value = parseDecimal(text);
    if (value === null) throw usageError(`--${option}: expected a number, got ${JSON.stringify(text)}.`);
    found[option.replaceAll('-', '_')] = value;
  }
  return found;
}

export const keysCreate = command({
  name: 'keys create',
  summary: 'Create an API key and print it. It is shown only once.',
  examples: [
    'keys create --name reception',
    'keys create --name camera-3 --collection staff --rate-limit 600 --ip 10.0.5.0/24',
  ],
  options: {
    name: { type: 'string', value: 'NAME', required: true, about: 'Name the key.' },
    collection: { type: 'string', value: 'ID', about: 'Restrict the key to this collection.' },
    environment: {
      type: 'string',
      choices: ['live', 'test'],
      default: 'live',
      about: 'Choose the environment. Calls of test keys are never charged.',
    },
    scope: {
      type: 'string',
      value: 'SCOPE',
      multiple: true,
      about:
        'Grant this scope, such as v1:faces. Default: v1:*, which excludes management for a key with --collection.',
    },
    ip: {
      type: 'string',
      value: 'ADDRESS',
      multiple: true,
      about: 'Restrict the key to these IP addresses or CIDR ranges.',
    },
    'rate-limit': {
      type: 'string',
      value: 'PER_MINUTE',
      about: 'Limit the requests a minute. Default: no limit.',
    },
    'expires-in-days': {
      type: 'string',
      value: 'DAYS',
      about: 'Let the key expire after this many days. Default: never.',
    },
    'budget-usd': {
      type: 'string',
      value: 'DOLLARS',
      about: 'Limit what the key may spend, in US dollars. Default: no limit.',
    },
    ...CREATE_OPTION,
    ...JSON_OPTION,
    ...DATA_OPTIONS,
  },
  async run(values) {
    const request = newKeyBody({
      name: values.name,
      environment: values.environment,
      collection_id: values.collection ?? null,
      ...(values.scope.length > 0 ? { scopes: values.scope } : {}),
      ...(values.ip.length > 0 ? { allowed_ips: values.ip } : {}),
      ...numbers(values),
    });
    const made = await withKeys(values, (keys) => keys.create(request));
    print(made, values.json, ({ key }) => line`${key}`);
    if (made.collection_missing) {
      tell`There is no ${made.environment} collection ${made.collection_id} yet. The key reaches nothing until it is created.`;
    }
    if (!values.json) tell`Created ${made.id} (${made.name}). Store the key now: it is not shown again.`;
  },
});

export const keysList = command({
  name: 'keys list',
  summary: 'List the API keys, oldest first, without their secrets.',
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const keys = await withKeys(values, (administration) => administration.list());
    print({ keys }, values.json, () =>
      columns(
        keys.map(({ id, key_prefix, created_at, collection_id, name, suspended }) => [
          id,
          `${key_prefix}...`,
          created_at,
          collection_id ?? '*',
          suspended ? `${name} (suspended)` : name,
        ]),
      ),
    );
  },
});

export const keysRevoke = command({
  name: 'keys revoke',
  summary: 'Revoke an API key at once and permanently.',
  operands: [{ name: 'ID', about: "The key's id from `keys list`." }],
  options: DATA_OPTIONS,
  async run(values, [id]) {
    await withKeys(values, (keys) => keys.revoke(id));
    tell`Revoked ${id}.`;
  },
});
