import { command, DATA_OPTIONS } from './command.ts';
import { MEMBER, withIdentity } from './identity-access.ts';

export const membersRemove = command({
  name: 'members remove',
  summary: 'Remove a member and end their sessions, at once. The last owner stays.',
  operands: [MEMBER],
  options: DATA_OPTIONS,
  async run(values, [member]) {
    await withIdentity(values, (identity) => identity.removeMember(member));
    process.stderr.write(`Removed ${member}.\n`);
  },
});
