import { readdirSync } from 'node:fs';
import { loadConfig } from '../config/load.ts';
import { MODELS_FOLDER, openModelPack } from '../vision/model-pack.ts';
import { columns, command, DATA_OPTIONS, environmentOf, JSON_OPTION, print } from './command.ts';

export const modelsList = command({
  name: 'models list',
  summary: 'List the model packs, their integrity, and which of them the settings use.',
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const { modelPack, extraModelPacks } = loadConfig(environmentOf(values));
    const used = [modelPack, ...extraModelPacks];
    const installed = readdirSync(MODELS_FOLDER, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    const names = [...new Set([...used, ...installed])];
    const models = await Promise.all(
      names.map(async (name) => {
        const state = { name, used: used.includes(name), default: name === modelPack };
        try {
          const { version } = await openModelPack(name);
          return { ...state, version, fault: null };
        } catch (error) {
          return { ...state, version: null, fault: (error as Error).message };
        }
      }),
    );
    print({ models }, values.json, () =>
      columns(
        models.map((model) => [
          model.name,
          model.version ?? '-',
          model.default ? 'default' : model.used ? 'used' : 'not used',
          model.fault ?? 'intact',
        ]),
      ),
    );
  },
});
