import { type Command, DATA_OPTIONS, DATA_USAGE, readOptions, usageError } from './command.ts';
import { withKeys } from './key-access.ts';

const OPTIONS = {
  name: { type: 'string' },
  collection: { type: 'string' },
  environment: { type: 'string', default: 'live' },
  json: { type: 'boolean', default: false },
  ...DATA_OPTIONS,
} as const;

export const keysCreate: Command = {
  name: 'keys create',
  usage: `--name NAME [--collection ID] [--environment live|test] [--json] ${DATA_USAGE}`,
  summary: 'Make an API key. It is printed this once.',
  async run(args) {
    const { values } = readOptions(args, OPTIONS, 0);
    const { name, environment, collection } = values;
    if (!name) throw usageError('--name NAME is missing.');
    if (environment !== 'live' && environment !== 'test') throw usageError('--environment is live or test.');
    const request = { name, environment, collectionId: collection ?? null } as const;
    const made = await withKeys(values, (keys) => keys.create(request));
    process.stdout.write(`${values.json ? JSON.stringify(made) : made.key}\n`);
    if (!values.json) process.stderr.write(`Made ${made.id} (${made.name}). The key is not shown again.\n`);
  },
};
