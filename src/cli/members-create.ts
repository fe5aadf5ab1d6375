import { ROLES, type Role } from '../access/roles.ts';
import { type Command, DATA_OPTIONS, DATA_USAGE, readOptions, usageError } from './command.ts';
import { PASSWORD_OPTIONS, readPassword, withIdentity } from './identity-access.ts';

const OPTIONS = {
  email: { type: 'string' },
  name: { type: 'string' },
  role: { type: 'string', default: 'member' },
  json: { type: 'boolean', default: false },
  ...PASSWORD_OPTIONS,
  ...DATA_OPTIONS,
} as const;

/** @throws ExitError `usage`. */
export function roleOf(text: string): Role {
  const role = ROLES.find((each) => each === text);
  if (!role) throw usageError(`A role is one of ${ROLES.join(', ')}.`);
  return role;
}

export const membersCreate: Command = {
  name: 'members create',
  usage: `--email EMAIL --name NAME [--role member|admin|owner] [--password-stdin] [--json] ${DATA_USAGE}`,
  summary:
    'Make a member, such as the first owner. Without --password-stdin a password is made up and printed.',
  async run(args) {
    const { values } = readOptions(args, OPTIONS, 0);
    const { email, name } = values;
    if (!email) throw usageError('--email EMAIL is missing.');
    if (!name) throw usageError('--name NAME is missing.');
    const role = roleOf(values.role);
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
};
