import { command, DATA_OPTIONS, JSON_OPTION, print } from './command.ts';
import { withIdentity } from './identity-access.ts';
import { line, tell } from './output.ts';

export const tokensRotate = command({
  name: 'tokens rotate',
  summary: 'Create a new key for signing tokens. Existing tokens stay valid until they expire.',
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const rotated = await withIdentity(values, (identity) => identity.rotateTokenKey());
    print(rotated, values.json, ({ kid }) => line`${kid}`);
    if (!values.json) {
      tell`Tokens of the previous key stay valid until ${rotated.previous_verifies_until}.`;
    }
  },
});
