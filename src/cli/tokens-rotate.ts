import { type Command, DATA_OPTIONS, DATA_USAGE, readOptions } from './command.ts';
import { withIdentity } from './identity-access.ts';

const OPTIONS = { json: { type: 'boolean', default: false }, ...DATA_OPTIONS } as const;

export const tokensRotate: Command = {
  name: 'tokens rotate',
  usage: `[--json] ${DATA_USAGE}`,
  summary: 'Let a new key sign tokens. Those of the key before stay good until they expire.',
  async run(args) {
    const { values } = readOptions(args, OPTIONS, 0);
    const rotated = await withIdentity(values, (identity) => identity.rotateTokenKey());
    process.stdout.write(`${values.json ? JSON.stringify(rotated) : rotated.kid}\n`);
    if (!values.json) {
      process.stderr.write(`Tokens of the key before are good until ${rotated.previous_verifies_until}.\n`);
    }
  },
};
