import { command, DATA_OPTIONS, JSON_OPTION } from './command.ts';
import { MEMBER, PASSWORD_OPTIONS, readPassword, withIdentity } from './identity-access.ts';

export const membersResetPassword = command({
  name: 'members reset-password',
  summary: 'Give a member another password, made up and printed where none is given, and end their sessions.',
  operands: [MEMBER],
  options: { ...PASSWORD_OPTIONS, ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values, [member]) {
    const password = await readPassword(values);
    const changed = await withIdentity(values, (identity) => identity.resetPassword(member, password));
    if (values.json) process.stdout.write(`${JSON.stringify(changed)}\n`);
    else if (changed.password !== null) process.stdout.write(`${changed.password}\n`);
    process.stderr.write(`${changed.id} has another password; every session has ended.\n`);
  },
});
