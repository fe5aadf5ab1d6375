/** The files made from the table of commands and the table of settings, by their paths. `npm run manual` writes them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadCommands } from '../src/cli/commands.ts';
import { packageVersion } from '../src/ops/version.ts';
import { ROOT } from '../testing/service.ts';
import { bashCompletion, fishCompletion, zshCompletion } from './completions.ts';
import { visagectlPage, visagePage } from './manual-pages.ts';
import { annotatedSettings, settingsPage, settingsTables } from './settings-files.ts';

const CONFIGURATION = 'docs/configuration.md';
const BETWEEN_MARKERS = /(?<=<!-- begin settings .*-->\n)[\s\S]*(?=<!-- end settings -->)/;

const PACKAGE_INTRO = [
  'Settings of Visage. The service and visagectl read this file. See also visage.toml(5) and',
  '/usr/share/doc/visage/configuration.md.',
  '',
  'Each commented line shows the default or, if there is no default, an example. Remove its `#` to change',
  'the setting. After a change run `visagectl config check`, then `systemctl reload visage` or, for a',
  'setting that is applied by restart, `systemctl restart visage`.',
  '',
  'systemd holds the sockets, so listen, tls_listen and metrics_listen have no effect. HTTPS is on port 8443,',
  'plain HTTP on 127.0.0.1:8080. To change them: `systemctl edit visage-https.socket` or `visage.socket`.',
];

export async function manualFiles(): Promise<Readonly<Record<string, string>>> {
  const commands = await loadCommands();
  const version = packageVersion();
  const configuration = readFileSync(join(ROOT, CONFIGURATION), 'utf8');
  return {
    'man/visagectl.1': visagectlPage(commands, version),
    'man/visage.8': visagePage(version),
    'man/visage.toml.5': settingsPage(version),
    [CONFIGURATION]: configuration.replace(BETWEEN_MARKERS, () => `\n${settingsTables()}\n`),
    'packaging/files/visage.toml': annotatedSettings(PACKAGE_INTRO, {
      data_dir: '/var/lib/visage',
      backup_dir: '/var/backups/visage',
    }),
    'completions/visagectl.bash': bashCompletion(commands),
    'completions/visagectl.zsh': zshCompletion(commands),
    'completions/visagectl.fish': fishCompletion(commands),
  };
}
