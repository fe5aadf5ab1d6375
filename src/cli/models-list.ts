import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { StoreReader } from '../store/store-reader.ts';
import { MODELS_FOLDER, olderVersions, openModelPack, packFolder } from '../vision/model-pack.ts';
import { columns, command, DATA_OPTIONS, environmentOf, JSON_OPTION, print } from './command.ts';

interface Listed {
  readonly name: string;
  /** Null for an unreadable pack. */
  readonly version: string | null;
  readonly used: boolean;
  readonly default: boolean;
  readonly collections: number;
  readonly fault: string | null;
}

export const modelsList = command({
  name: 'models list',
  summary: 'List the model packs and their versions, their integrity, and what uses them.',
  details: [
    'The settings use the newest version of a pack. Collections use the version that they were made with, until ' +
      '`visagectl models migrate` moves them.',
  ],
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const { modelPack, extraModelPacks, dataDir } = loadConfig(environmentOf(values));
    const used = [modelPack, ...extraModelPacks];
    const installed = readdirSync(MODELS_FOLDER, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    const counts = await collectionCounts(dataDir);
    const models: Listed[] = [];
    for (const name of new Set([...used, ...installed])) {
      const settings = { used: used.includes(name), default: name === modelPack };
      const newest = await listed(name, undefined, settings, counts);
      models.push(newest);
      for (const version of await olderVersions(packFolder(name))) {
        if (version === newest.version) continue;
        models.push(await listed(name, version, { used: false, default: false }, counts));
      }
    }
    for (const [name, collections] of counts) {
      const [pack = '', version = ''] = name.split(' ');
      const fault = 'not installed: its collections answer NOT_READY';
      models.push({ name: pack, version, used: false, default: false, collections, fault });
    }
    print({ models }, values.json, () =>
      columns(
        models.map((model) => [
          model.name,
          model.version ?? '-',
          model.default ? 'default' : model.used ? 'used' : 'not used',
          `${model.collections} collections`,
          model.fault ?? 'intact',
        ]),
      ),
    );
  },
});

async function listed(
  nameOrPath: string,
  version: string | undefined,
  settings: Pick<Listed, 'used' | 'default'>,
  counts: Map<string, number>,
): Promise<Listed> {
  try {
    const pack = await openModelPack(nameOrPath, version);
    const id = `${pack.name} ${pack.version}`;
    const collections = counts.get(id) ?? 0;
    counts.delete(id);
    return { name: nameOrPath, version: pack.version, ...settings, collections, fault: null };
  } catch (error) {
    const fault = (error as Error).message;
    return { name: nameOrPath, version: version ?? null, ...settings, collections: 0, fault };
  }
}

async function collectionCounts(dataDir: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  if (!existsSync(join(dataDir, 'data.mdb'))) return counts;
  const reader = StoreReader.open(dataDir);
  try {
    for (const { model } of reader.collections()) counts.set(model, (counts.get(model) ?? 0) + 1);
  } finally {
    await reader.close();
  }
  return counts;
}
