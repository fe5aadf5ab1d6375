import { command, configOf, DATA_OPTIONS, print } from './command.ts';
import { COLLECTION, ENVIRONMENT_OPTIONS, withOperatorApi } from './operator-api.ts';

export const collectionsCreate = command({
  name: 'collections create',
  summary: 'Make a collection, a gallery of faces.',
  examples: ["collections create staff --description 'Head office'"],
  operands: [COLLECTION],
  options: {
    description: { type: 'string', value: 'TEXT', about: 'what it is for' },
    ...ENVIRONMENT_OPTIONS,
    ...DATA_OPTIONS,
  },
  async run(values, [collectionId]) {
    const { environment, description = null } = values;
    await withOperatorApi(configOf(values), { name: 'visagectl collections', environment }, (api) =>
      api('POST', '/v1/collection/create', { collectionId, description }),
    );
    print({ collectionId }, values.json, () => '');
    if (!values.json) process.stderr.write(`Made the collection ${collectionId}.\n`);
  },
});
