import { packageVersion } from '../ops/version.ts';
import { command, JSON_OPTION, print } from './command.ts';
import { line } from './output.ts';

export const version = command({
  name: 'version',
  summary: 'Print the version of visagectl, like --version. See `status` for the version of the service.',
  options: JSON_OPTION,
  async run(values) {
    print({ version: packageVersion() }, values.json, (answer) => line`visagectl ${answer.version}`);
  },
});
