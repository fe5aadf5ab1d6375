import { type Command, DATA_OPTIONS, DATA_USAGE, readOptions } from './command.ts';
import { withIdentity } from './identity-access.ts';

export const membersRemove: Command = {
  name: 'members remove',
  usage: `ID_OR_EMAIL ${DATA_USAGE}`,
  summary: 'Remove a member and end their sessions, at once. The last owner stays.',
  async run(args) {
    const { values, positionals } = readOptions(args, DATA_OPTIONS, 1);
    const [member] = positionals as [string];
    await withIdentity(values, (identity) => identity.removeMember(member));
    process.stderr.write(`Removed ${member}.\n`);
  },
};
