/** The files that are made from the table of commands and the schema of the settings, by their paths. */
import { COMMANDS } from '../../src/cli/commands.ts';
import {
  bashCompletion,
  fishCompletion,
  settingsPage,
  visagectlPage,
  visagePage,
  zshCompletion,
} from '../../src/cli/manual.ts';
import { readSettings } from '../../src/config/load.ts';
import { packageVersion } from '../../src/ops/version.ts';

/** What a default is called that depends on the machine. */
const ONE_A_CORE = 'one a core';

export function manualFiles(): Readonly<Record<string, string>> {
  const version = packageVersion();
  const defaults = { ...readSettings({}), threads: ONE_A_CORE, data_dir: './data' };
  return {
    'man/visagectl.1': visagectlPage(COMMANDS, version),
    'man/visage.8': visagePage(version),
    'man/visage.toml.5': settingsPage(version, defaults),
    'completions/visagectl.bash': bashCompletion(COMMANDS),
    'completions/visagectl.zsh': zshCompletion(COMMANDS),
    'completions/visagectl.fish': fishCompletion(COMMANDS),
  };
}
