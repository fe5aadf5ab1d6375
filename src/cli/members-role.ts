import { type Command, DATA_OPTIONS, DATA_USAGE, readOptions } from './command.ts';
import { withIdentity } from './identity-access.ts';
import { roleOf } from './members-create.ts';

const OPTIONS = { json: { type: 'boolean', default: false }, ...DATA_OPTIONS } as const;

export const membersRole: Command = {
  name: 'members role',
  usage: `ID_OR_EMAIL member|admin|owner [--json] ${DATA_USAGE}`,
  summary: 'Give a member another role, from their next request on.',
  async run(args) {
    const { values, positionals } = readOptions(args, OPTIONS, 2);
    const [member, text] = positionals as [string, string];
    const role = roleOf(text);
    const changed = await withIdentity(values, (identity) => identity.setRole(member, role));
    if (values.json) process.stdout.write(`${JSON.stringify(changed)}\n`);
    else process.stderr.write(`${changed.id} is ${changed.role} now.\n`);
  },
};
