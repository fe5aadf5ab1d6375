import { command, configOf, DATA_OPTIONS, print, usageError } from './command.ts';
import { COLLECTION, ENVIRONMENT_OPTIONS, withOperatorApi } from './operator-api.ts';

export const collectionsReset = command({
  name: 'collections reset',
  summary: 'Remove every face of a collection. The collection stays.',
  operands: [COLLECTION],
  options: {
    yes: { type: 'boolean', about: 'really do it: faces cannot be brought back but from a backup' },
    ...ENVIRONMENT_OPTIONS,
    ...DATA_OPTIONS,
  },
  async run(values, [collectionId]) {
    if (!values.yes) throw usageError(`This removes every face of ${collectionId}. Add --yes to do it.`);
    const { environment } = values;
    const query = new URLSearchParams({ collectionId });
    await withOperatorApi(configOf(values), { name: 'visagectl collections', environment }, async (api) => {
      await api('GET', `/v1/collection/get?${query}`);
      await api('DELETE', `/v1/collection/reset?${query}`);
    });
    print({ collectionId }, values.json, () => '');
    if (!values.json) process.stderr.write(`Emptied ${collectionId}.\n`);
  },
});
