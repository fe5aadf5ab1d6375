import { newKeyBody } from '../access/key-settings.ts';
import { type Command, DATA_OPTIONS, DATA_USAGE, readOptions, usageError } from './command.ts';
import { withKeys } from './key-access.ts';

const OPTIONS = {
  name: { type: 'string' },
  collection: { type: 'string' },
  environment: { type: 'string', default: 'live' },
  scope: { type: 'string', multiple: true },
  ip: { type: 'string', multiple: true },
  'rate-limit': { type: 'string' },
  'expires-in-days': { type: 'string' },
  'budget-usd': { type: 'string' },
  json: { type: 'boolean', default: false },
  ...DATA_OPTIONS,
} as const;

/** The options that are numbers, in the contract's names. */
function numbers(values: Readonly<Record<string, unknown>>): Record<string, number> {
  const found: Record<string, number> = {};
  for (const option of ['rate-limit', 'expires-in-days', 'budget-usd']) {
    const text = values[option];
    if (typeof text !== 'string') continue;
    if (!/^\d+(\.\d+)?$/.test(text)) throw usageError(`--${option} is not a number.`);
    found[option.replaceAll('-', '_')] = Number(text);
  }
  return found;
}

export const keysCreate: Command = {
  name: 'keys create',
  usage:
    '--name NAME [--collection ID] [--environment live|test] [--scope SCOPE]... [--ip ADDRESS]... ' +
    `[--rate-limit PER_MINUTE] [--expires-in-days DAYS] [--budget-usd DOLLARS] [--json] ${DATA_USAGE}`,
  summary: 'Make an API key. It is printed this once.',
  async run(args) {
    const { values } = readOptions(args, OPTIONS, 0);
    if (!values.name) throw usageError('--name NAME is missing.');
    const { environment } = values;
    if (environment !== 'live' && environment !== 'test') throw usageError('--environment is live or test.');
    const request = newKeyBody({
      name: values.name,
      environment,
      collection_id: values.collection ?? null,
      ...(values.scope ? { scopes: values.scope } : {}),
      ...(values.ip ? { allowed_ips: values.ip } : {}),
      ...numbers(values),
    });
    const made = await withKeys(values, (keys) => keys.create(request));
    process.stdout.write(`${values.json ? JSON.stringify(made) : made.key}\n`);
    if (!values.json) process.stderr.write(`Made ${made.id} (${made.name}). The key is not shown again.\n`);
  },
};
