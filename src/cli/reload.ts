import type { ReloadReport } from '../ops/reload.ts';
import { ask } from './admin-access.ts';
import { command, DATA_OPTIONS, JSON_OPTION } from './command.ts';

export const reload = command({
  name: 'reload',
  summary: 'Let the service read its settings again. What is wrong is said, and changes nothing.',
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const report = (await ask(values, (call) => call('POST', '/reload'))) as ReloadReport;
    if (values.json) {
      process.stdout.write(`${JSON.stringify(report)}\n`);
      return;
    }
    const { changed, needRestart } = report;
    process.stdout.write(
      changed.length > 0 ? `In force now: ${changed.join(', ')}\n` : 'Nothing else is set.\n',
    );
    if (needRestart.length > 0) {
      process.stdout.write(`Changed and needs a restart: ${needRestart.join(', ')}\n`);
    }
  },
});
