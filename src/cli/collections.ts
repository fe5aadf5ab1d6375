import { EXIT, ExitError, usageError } from '../ops/exit-codes.ts';
import { columns, command, configOf, DATA_OPTIONS, JSON_OPTION, print } from './command.ts';
import { COLLECTION, ENVIRONMENT_OPTIONS, withOperatorApi } from './operator-api.ts';
import { tell } from './output.ts';

const KEY_NAME = 'visagectl collections';

const YES_OPTION = {
  yes: {
    type: 'boolean',
    about: 'Confirm the deletion. Deleted faces can only be restored from a backup.',
  },
} as const;

export const collectionsList = command({
  name: 'collections list',
  summary: 'List the collections of every account and their number of faces.',
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const { StoreReader } = await import('../store/store-reader.ts');
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

export const collectionsShow = command({
  name: 'collections show',
  summary: 'Show the details of a collection.',
  operands: [COLLECTION],
  options: { ...ENVIRONMENT_OPTIONS, ...DATA_OPTIONS },
  async run(values, [collectionId]) {
    const { StoreReader } = await import('../store/store-reader.ts');
    const reader = StoreReader.open(configOf(values).dataDir);
    try {
      const found = reader
        .collections()
        .filter((each) => each.collectionId === collectionId && each.environment === values.environment);
      if (found.length === 0) {
        throw new ExitError(
          EXIT.data,
          `The ${values.environment} collection "${collectionId}" does not exist. ` +
            'Run `visagectl collections list` to see all collections.',
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

export const collectionsCreate = command({
  name: 'collections create',
  summary: 'Create a collection for faces.',
  examples: ["collections create staff --description 'Head office'"],
  operands: [COLLECTION],
  options: {
    description: { type: 'string', value: 'TEXT', about: 'Describe the purpose of the collection.' },
    ...ENVIRONMENT_OPTIONS,
    ...DATA_OPTIONS,
  },
  async run(values, [collectionId]) {
    const { environment, description = null } = values;
    await withOperatorApi(configOf(values), { name: KEY_NAME, environment }, (api) =>
      api('POST', '/v1/collection/create', { collectionId, description }),
    );
    print({ collectionId }, values.json, () => '');
    if (!values.json) tell`Created the collection ${collectionId}.`;
  },
});

export const collectionsReset = command({
  name: 'collections reset',
  summary: 'Delete every face of a collection, and keep the collection.',
  operands: [COLLECTION],
  options: { ...YES_OPTION, ...ENVIRONMENT_OPTIONS, ...DATA_OPTIONS },
  async run(values, [collectionId]) {
    await remove(values, collectionId, 'reset');
    if (!values.json) tell`Deleted every face of ${collectionId}.`;
  },
});

export const collectionsDelete = command({
  name: 'collections delete',
  summary: 'Delete a collection and all its faces.',
  operands: [COLLECTION],
  options: { ...YES_OPTION, ...ENVIRONMENT_OPTIONS, ...DATA_OPTIONS },
  async run(values, [collectionId]) {
    await remove(values, collectionId, 'delete');
    if (!values.json) tell`Deleted the collection ${collectionId}.`;
  },
});

async function remove(
  values: Parameters<typeof configOf>[0] & {
    readonly yes: boolean;
    readonly json: boolean;
    readonly environment: 'live' | 'test';
  },
  collectionId: string,
  what: 'reset' | 'delete',
): Promise<void> {
  if (!values.yes) {
    throw usageError(`This deletes every face of ${collectionId}. Add --yes to confirm.`);
  }
  const { environment } = values;
  const query = new URLSearchParams({ collectionId });
  await withOperatorApi(configOf(values), { name: KEY_NAME, environment }, async (api) => {
    await api('GET', `/v1/collection/get?${query}`);
    await api('DELETE', `/v1/collection/${what}?${query}`);
  });
  print({ collectionId }, values.json, () => '');
}
