import type { ReloadReport } from '../ops/reload.ts';
import { ask } from './admin-access.ts';
import { command, DATA_OPTIONS, JSON_OPTION, print } from './command.ts';
import { line } from './output.ts';

export const reload = command({
  name: 'reload',
  summary: "Reload the service's settings. An invalid setting is reported and changes nothing.",
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const report = (await ask(values, (call) => call('POST', '/reload'))) as ReloadReport;
    print(report, values.json, ({ changed, needRestart }) =>
      [
        changed.length > 0 ? line`Applied: ${changed.join(', ')}` : 'No reloadable setting has changed.\n',
        needRestart.length > 0 ? line`Restart needed to apply: ${needRestart.join(', ')}` : '',
      ].join(''),
    );
  },
});
