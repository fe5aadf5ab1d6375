import { newKeyBody } from '../access/key-settings.ts';
import { command, DATA_OPTIONS, JSON_OPTION, usageError } from './command.ts';
import { withKeys } from './key-access.ts';

const NUMBERS = ['rate-limit', 'expires-in-days', 'budget-usd'] as const;

/** The options that are numbers, in the contract's names. */
function numbers(values: Readonly<Record<(typeof NUMBERS)[number], string | undefined>>) {
  const found: Record<string, number> = {};
  for (const option of NUMBERS) {
    const text = values[option];
    if (text === undefined) continue;
    if (!/^\d+(\.\d+)?$/.test(text)) throw usageError(`--${option} is not a number.`);
    found[option.replaceAll('-', '_')] = Number(text);
  }
  return found;
}

export const keysCreate = command({
  name: 'keys create',
  summary: 'Make an API key. It is printed this once.',
  examples: [
    'keys create --name reception',
    'keys create --name camera-3 --collection staff --rate-limit 600 --ip 10.0.3.0/24',
  ],
  options: {
    name: { type: 'string', value: 'NAME', required: true, about: 'what people call it' },
    collection: { type: 'string', value: 'ID', about: 'the only collection that it may use' },
    environment: {
      type: 'string',
      choices: ['live', 'test'],
      default: 'live',
      about: 'which collections it sees; calls of test keys are never charged',
    },
    scope: {
      type: 'string',
      value: 'SCOPE',
      multiple: true,
      about: 'what it may do, such as v1:faces; everything (v1:*) unless given',
    },
    ip: {
      type: 'string',
      value: 'ADDRESS',
      multiple: true,
      about: 'an address or network from which alone it may be used',
    },
    'rate-limit': { type: 'string', value: 'PER_MINUTE', about: 'requests a minute; no limit unless given' },
    'expires-in-days': { type: 'string', value: 'DAYS', about: 'when it ends by itself' },
    'budget-usd': { type: 'string', value: 'DOLLARS', about: 'the most that it may spend' },
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
    process.stdout.write(`${values.json ? JSON.stringify(made) : made.key}\n`);
    if (!values.json) process.stderr.write(`Made ${made.id} (${made.name}). The key is not shown again.\n`);
  },
});
