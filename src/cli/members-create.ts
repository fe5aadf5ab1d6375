import { ROLES } from '../access/roles.ts';
import { command, DATA_OPTIONS, JSON_OPTION } from './command.ts';
import { PASSWORD_OPTIONS, readPassword, withIdentity } from './identity-access.ts';

export const membersCreate = command({
  name: 'members create',
  summary: 'Make a member, such as the first owner.',
  details: ['Without --password-stdin a password is made up and printed.'],
  examples: ['members create --email ada@example.com --name Ada --role owner'],
  options: {
    email: { type: 'string', value: 'EMAIL', required: true, about: 'with which the member logs in' },
    name: { type: 'string', value: 'NAME', required: true, about: 'what people call the member' },
    role: { type: 'string', choices: ROLES, default: 'member', about: 'what the member may do' },
    ...PASSWORD_OPTIONS,
    ...JSON_OPTION,
    ...DATA_OPTIONS,
  },
  async run(values) {
    const { email, name, role } = values;
    const password = await readPassword(values);
    const made = await withIdentity(values, (identity) =>
      identity.createMember({ email, name, role, password }),
    );
    if (values.json) {
      process.stdout.write(`${JSON.stringify(made)}\n`);
      return;
    }
    if (made.password !== null) process.stdout.write(`${made.password}\n`);
    const shown = made.password === null ? '' : ' The password is not shown again.';
    process.stderr.write(`Made ${made.id} (${made.role}).${shown}\n`);
  },
});
