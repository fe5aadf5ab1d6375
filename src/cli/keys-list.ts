import { columns, command, DATA_OPTIONS, JSON_OPTION, print } from './command.ts';
import { withKeys } from './key-access.ts';

export const keysList = command({
  name: 'keys list',
  summary: 'List the API keys, oldest first, without the keys themselves.',
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const keys = await withKeys(values, (administration) => administration.list());
    print({ keys }, values.json, () =>
      columns(
        keys.map(({ id, key_prefix, created_at, collection_id, name }) => [
          id,
          `${key_prefix}...`,
          created_at,
          collection_id ?? '*',
          name,
        ]),
      ),
    );
  },
});
