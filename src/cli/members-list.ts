import { columns, command, DATA_OPTIONS, JSON_OPTION, print } from './command.ts';
import { withIdentity } from './identity-access.ts';

export const membersList = command({
  name: 'members list',
  summary: 'List the members of every account, with those who were invited.',
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
