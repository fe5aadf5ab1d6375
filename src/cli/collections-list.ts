import { StoreReader } from '../store/store-reader.ts';
import { columns, command, configOf, DATA_OPTIONS, JSON_OPTION, print } from './command.ts';

export const collectionsList = command({
  name: 'collections list',
  summary: 'List the collections of every account, with the number of their faces.',
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const reader = StoreReader.open(configOf(values).dataDir);
    try {
      const collections = reader.collections();
      print({ collections }, values.json, () =>
        columns(
          collections.map(({ collectionId, environment, faces, model, createdAt, description }) => [
            collectionId,
            environment,
            `${faces} faces`,
            model,
            createdAt,
            description ?? '',
          ]),
        ),
      );
    } finally {
      await reader.close();
    }
  },
});
