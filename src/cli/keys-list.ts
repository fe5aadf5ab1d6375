import { type Command, DATA_OPTIONS, DATA_USAGE, readOptions } from './command.ts';
import { withKeys } from './key-access.ts';

const OPTIONS = { json: { type: 'boolean', default: false }, ...DATA_OPTIONS } as const;

export const keysList: Command = {
  name: 'keys list',
  usage: `[--json] ${DATA_USAGE}`,
  summary: 'List the API keys, oldest first, without the keys themselves.',
  async run(args) {
    const { values } = readOptions(args, OPTIONS, 0);
    const list = await withKeys(values, (keys) => keys.list());
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ keys: list })}\n`);
      return;
    }
    for (const { id, key_prefix, created_at, collection_id, name } of list) {
      process.stdout.write(
        `${[id, `${key_prefix}...`, created_at, collection_id ?? '*', name].join('  ')}\n`,
      );
    }
  },
};
