import { ROLES } from '../access/roles.ts';
import { command, DATA_OPTIONS, JSON_OPTION } from './command.ts';
import { MEMBER, withIdentity } from './identity-access.ts';

export const membersRole = command({
  name: 'members role',
  summary: 'Give a member another role, from their next request on.',
  operands: [MEMBER, { name: 'ROLE', choices: ROLES, about: 'what the member may do from now on' }],
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values, [member, role]) {
    const changed = await withIdentity(values, (identity) => identity.setRole(member, role));
    if (values.json) process.stdout.write(`${JSON.stringify(changed)}\n`);
    else process.stderr.write(`${changed.id} is ${changed.role} now.\n`);
  },
});
