import { ROLES } from '../api/roles.ts';
import { usageError } from '../ops/exit-codes.ts';
import {
  CREATE_OPTION,
  columns,
  command,
  DATA_OPTIONS,
  JSON_OPTION,
  type Options,
  print,
} from './command.ts';
import { withIdentity } from './identity-access.ts';
import { line, tell } from './output.ts';

const PASSWORD_OPTIONS = {
  'password-stdin': {
    type: 'boolean',
    about: 'Read the password from the first line of standard input.',
  },
} as const satisfies Options;

const MEMBER = { name: 'MEMBER', about: "The member's id or e-mail." } as const;

/** Null generates a password. */
async function readPassword(options: { readonly 'password-stdin': boolean }): Promise<string | null> {
  if (!options['password-stdin']) return null;
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const [first = ''] = Buffer.concat(chunks).toString().split(/\r?\n/, 1);
  if (first === '') throw usageError('--password-stdin: expected a password on standard input, got none.');
  return first;
}

export const membersCreate = command({
  name: 'members create',
  summary: 'Create a member, such as the first owner.',
  details: ['Generates and prints a password unless --password-stdin is given.'],
  examples: ['members create --email ada@example.com --name Ada --role owner'],
  options: {
    email: { type: 'string', value: 'EMAIL', required: true, about: 'Set the e-mail to log in with.' },
    name: { type: 'string', value: 'NAME', required: true, about: "Set the member's name." },
    role: { type: 'string', choices: ROLES, default: 'member', about: "Set the member's role." },
    ...PASSWORD_OPTIONS,
    ...CREATE_OPTION,
    ...JSON_OPTION,
    ...DATA_OPTIONS,
  },
  async run(values) {
    const { email, name, role } = values;
    const password = await readPassword(values);
    const made = await withIdentity(values, (identity) =>
      identity.createMember({ email, name, role, password }),
    );
    print(made, values.json, () => (made.password === null ? '' : line`${made.password}`));
    if (values.json) return;
    const shown = made.password === null ? '' : ' The password is not shown again.';
    tell`Created ${made.id} (${made.role}).${shown}`;
  },
});

export const membersList = command({
  name: 'members list',
  summary: 'List the members and open invitations of every account.',
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const members = await withIdentity(values, (identity) => identity.listMembers());
    print({ members }, values.json, () =>
      columns(
        members.map(({ id, account_id, role, status, email }) => [id, account_id, role, status, email]),
      ),
    );
  },
});

export const membersRole = command({
  name: 'members role',
  summary: "Change a member's role, starting with their next request.",
  operands: [MEMBER, { name: 'ROLE', choices: ROLES, about: 'The new role.' }],
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values, [member, role]) {
    const changed = await withIdentity(values, (identity) => identity.setRole(member, role));
    print(changed, values.json, () => '');
    if (!values.json) tell`Changed the role of ${changed.id} to ${changed.role}.`;
  },
});

export const membersRemove = command({
  name: 'members remove',
  summary: 'Remove a member and end their sessions at once. The last owner cannot be removed.',
  operands: [MEMBER],
  options: DATA_OPTIONS,
  async run(values, [member]) {
    await withIdentity(values, (identity) => identity.removeMember(member));
    tell`Removed ${member}.`;
  },
});

export const membersResetPassword = command({
  name: 'members reset-password',
  summary: "Replace a member's password and end their sessions. Generates and prints one unless given.",
  operands: [MEMBER],
  options: { ...PASSWORD_OPTIONS, ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values, [member]) {
    const password = await readPassword(values);
    const changed = await withIdentity(values, (identity) => identity.resetPassword(member, password));
    print(changed, values.json, () => (changed.password === null ? '' : line`${changed.password}`));
    tell`Replaced the password of ${changed.id} and ended every session.`;
  },
});
