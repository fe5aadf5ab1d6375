import { type Command, DATA_OPTIONS, DATA_USAGE, readOptions } from './command.ts';
import { withKeys } from './key-access.ts';

export const keysRevoke: Command = {
  name: 'keys revoke',
  usage: `ID ${DATA_USAGE}`,
  summary: 'Revoke an API key, at once and for good.',
  async run(args) {
    const { values, positionals } = readOptions(args, DATA_OPTIONS, 1);
    const [id] = positionals as [string];
    await withKeys(values, (keys) => keys.revoke(id));
    process.stderr.write(`Revoked ${id}.\n`);
  },
};
