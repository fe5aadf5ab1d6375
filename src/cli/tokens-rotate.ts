import { command, DATA_OPTIONS, JSON_OPTION } from './command.ts';
import { withIdentity } from './identity-access.ts';

export const tokensRotate = command({
  name: 'tokens rotate',
  summary: 'Let a new key sign tokens. Those of the key before stay good until they expire.',
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const rotated = await withIdentity(values, (identity) => identity.rotateTokenKey());
    process.stdout.write(`${values.json ? JSON.stringify(rotated) : rotated.kid}\n`);
    if (!values.json) {
      process.stderr.write(`Tokens of the key before are good until ${rotated.previous_verifies_until}.\n`);
    }
  },
});
