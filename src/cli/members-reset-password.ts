import { type Command, DATA_OPTIONS, DATA_USAGE, readOptions } from './command.ts';
import { PASSWORD_OPTIONS, readPassword, withIdentity } from './identity-access.ts';

const OPTIONS = {
  json: { type: 'boolean', default: false },
  ...PASSWORD_OPTIONS,
  ...DATA_OPTIONS,
} as const;

export const membersResetPassword: Command = {
  name: 'members reset-password',
  usage: `ID_OR_EMAIL [--password-stdin] [--json] ${DATA_USAGE}`,
  summary: 'Give a member another password, made up and printed where none is given, and end their sessions.',
  async run(args) {
    const { values, positionals } = readOptions(args, OPTIONS, 1);
    const [member] = positionals as [string];
    const password = await readPassword(values);
    const changed = await withIdentity(values, (identity) => identity.resetPassword(member, password));
    if (values.json) process.stdout.write(`${JSON.stringify(changed)}\n`);
    else if (changed.password !== null) process.stdout.write(`${changed.password}\n`);
    process.stderr.write(`${changed.id} has another password; every session has ended.\n`);
  },
};
