import { visible } from '../base/visible-text.ts';
import { EXIT, ExitError } from './exit-codes.ts';
import { packageVersion } from './version.ts';

const HELP = `Usage: node dist/src/main.js [--help | --version]

Starts the service in the foreground. It takes no other arguments: settings come from the TOML file that
VISAGE_CONFIG names and from the environment (VISAGE_ and the setting's name in capitals).
docs/configuration.md lists them, and \`visagectl config check\` checks them.
`;

/**
 * @returns text to print instead of starting, or null.
 * @throws ExitError `usage`.
 */
export function answerTo(args: readonly string[]): string | null {
  const [first, ...rest] = args;
  if (first === undefined) return null;
  if (rest.length === 0 && first === '--version') return `visage ${packageVersion()}\n`;
  if (rest.length === 0 && (first === '--help' || first === '-h')) return HELP;
  const unexpected = args.find((each) => !['--version', '--help', '-h'].includes(each)) ?? rest[0];
  throw new ExitError(
    EXIT.usage,
    `Unexpected argument "${visible(String(unexpected))}": the service takes only --help and --version. ` +
      'Settings come from VISAGE_CONFIG and the environment.',
  );
}
