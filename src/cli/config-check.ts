import { configOf as configOfSettings, readSettings } from '../config/load.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { openModelPack } from '../vision/model-pack.ts';
import { columns, command, DATA_OPTIONS, environmentOf, JSON_OPTION, print } from './command.ts';

export const configCheck = command({
  name: 'config check',
  summary: 'Check the settings without starting anything, and print them as they take effect.',
  details: [
    'Reads the file named by --config or VISAGE_CONFIG, the environment and the defaults, as a start does. The exit code is 78 ' +
      'and the first fault is told if a setting is wrong.',
  ],
  examples: ['config check --config /etc/visage/visage.toml'],
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const settings = readSettings(environmentOf(values));
    const { modelPack, extraModelPacks } = configOfSettings(settings);
    for (const name of [modelPack, ...extraModelPacks]) {
      await openModelPack(name).catch((error: Error) => {
        throw new ExitError(EXIT.config, error.message);
      });
    }
    print(settings, values.json, () =>
      columns(Object.entries(settings).map(([name, value]) => [name, JSON.stringify(value)])),
    );
    if (!values.json) process.stderr.write('The settings are in order.\n');
  },
});
