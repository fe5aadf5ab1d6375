import { type Command, DATA_OPTIONS, DATA_USAGE, readOptions } from './command.ts';
import { withIdentity } from './identity-access.ts';

const OPTIONS = { json: { type: 'boolean', default: false }, ...DATA_OPTIONS } as const;

export const membersList: Command = {
  name: 'members list',
  usage: `[--json] ${DATA_USAGE}`,
  summary: 'List the members of every account, with those who were invited.',
  async run(args) {
    const { values } = readOptions(args, OPTIONS, 0);
    const members = await withIdentity(values, (identity) => identity.listMembers());
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ members })}\n`);
      return;
    }
    for (const { id, account_id, role, status, email } of members) {
      process.stdout.write(`${[id, account_id, role, status, email].join('  ')}\n`);
    }
  },
};
