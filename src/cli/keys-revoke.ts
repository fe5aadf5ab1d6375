import { command, DATA_OPTIONS } from './command.ts';
import { withKeys } from './key-access.ts';

export const keysRevoke = command({
  name: 'keys revoke',
  summary: 'Revoke an API key, at once and for good.',
  operands: [{ name: 'ID', about: "the key's id, as `keys list` shows it" }],
  options: DATA_OPTIONS,
  async run(values, [id]) {
    await withKeys(values, (keys) => keys.revoke(id));
    process.stderr.write(`Revoked ${id}.\n`);
  },
});
