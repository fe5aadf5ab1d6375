import { nearest } from '../base/nearest.ts';
import { VisageError } from '../errors.ts';
import { EXIT, exitCodeOf } from '../ops/exit-codes.ts';
import { type Command, usageError } from './command.ts';
import { COMMANDS } from './commands.ts';
import { helpOf, overview } from './help.ts';
import { isIsolated, runIsolated } from './isolated-command.ts';
import { tell } from './output.ts';
import { version } from './version.ts';

function startsWith(args: readonly string[], words: readonly string[]): boolean {
  return words.every((word, at) => args[at] === word);
}

/** @throws ExitError `usage` with the nearest command. */
function find(args: readonly string[]): Command {
  const command = COMMANDS.find(({ name }) => startsWith(args, name.split(' ')));
  if (command) return command;
  const words = args.filter((arg) => !arg.startsWith('-')).slice(0, 2);
  if (words.length === 0) throw usageError('Missing command.');
  const family = COMMANDS.flatMap(({ name }) =>
    name.startsWith(`${words[0]} `) ? name.slice(name.indexOf(' ') + 1) : [],
  );
  if (words.length === 1 && family.length > 0) {
    throw usageError(`${words[0]}: expected one of ${family.join(', ')}.`);
  }
  const names = COMMANDS.map(({ name }) => name);
  const near = nearest(words.join(' '), names) ?? nearest(words[0] as string, names);
  throw usageError(`Unknown command "${words.join(' ')}"${near ? `: did you mean "${near}"?` : '.'}`);
}

function help(topic: readonly string[]): string {
  const named = COMMANDS.filter(({ name }) => startsWith(name.split(' '), topic));
  const exact = COMMANDS.find(({ name }) => startsWith(topic, name.split(' ')));
  if (topic.length === 0) return overview(COMMANDS);
  if (exact) return helpOf(exact);
  return named.length > 0 ? overview(named) : helpOf(find(topic));
}

async function run(args: string[]): Promise<void> {
  const isHelp = args.includes('--help') || args.includes('-h') || args[0] === 'help';
  if (isHelp) {
    const words = args.filter((arg) => arg !== 'help');
    const end = words.findIndex((word) => word.startsWith('-'));
    process.stdout.write(help(end < 0 ? words : words.slice(0, end)));
    return;
  }
  const command = args[0] === '--version' ? version : find(args);
  if (command.readsStore && !isIsolated()) return runIsolated(args);
  await command.run(args.slice(command.name.split(' ').length));
}

export function fail(error: unknown): void {
  const code = error instanceof VisageError ? EXIT.data : exitCodeOf(error);
  if (error instanceof Error && code !== EXIT.failure) tell`visagectl: ${error.message}`;
  else process.stderr.write(`visagectl: ${error instanceof Error ? error.stack : String(error)}\n`);
  if (code === EXIT.usage) tell`Run \`visagectl --help\` to list the commands.`;
  process.exitCode = code;
}

export async function runCommandLine(args: string[]): Promise<void> {
  try {
    await run(args);
  } catch (error) {
    fail(error);
  }
}
