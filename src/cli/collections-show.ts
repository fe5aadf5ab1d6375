import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { StoreReader } from '../store/store-reader.ts';
import { columns, command, configOf, DATA_OPTIONS, print } from './command.ts';
import { COLLECTION, ENVIRONMENT_OPTIONS } from './operator-api.ts';

export const collectionsShow = command({
  name: 'collections show',
  summary: 'Show one collection.',
  operands: [COLLECTION],
  options: { ...ENVIRONMENT_OPTIONS, ...DATA_OPTIONS },
  async run(values, [collectionId]) {
    const reader = StoreReader.open(configOf(values).dataDir);
    try {
      const found = reader
        .collections()
        .filter((each) => each.collectionId === collectionId && each.environment === values.environment);
      if (found.length === 0) {
        throw new ExitError(
          EXIT.data,
          `There is no ${values.environment} collection "${collectionId}". \`visagectl collections list\` shows those that there are.`,
        );
      }
      print({ collections: found }, values.json, () =>
        found
          .map((each) => columns(Object.entries(each).map(([name, value]) => [name, String(value ?? '')])))
          .join('\n'),
      );
    } finally {
      await reader.close();
    }
  },
});
