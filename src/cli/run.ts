import { nearest } from '../base/nearest.ts';
import { VisageError } from '../errors.ts';
import { EXIT, exitCodeOf, usageError } from '../ops/exit-codes.ts';
import { COMMAND_NAMES, loadCommand, loadCommands, readsStore } from './commands.ts';
import { isIsolated, runIsolated } from './isolated-command.ts';
import { tell } from './output.ts';

function startsWith(args: readonly string[], words: readonly string[]): boolean {
  return words.every((word, at) => args[at] === word);
}

function find(args: readonly string[]): string {
  const exact = COMMAND_NAMES.find((name) => startsWith(args, name.split(' ')));
  if (exact) return exact;
  const words = args.filter((arg) => !arg.startsWith('-')).slice(0, 2);
  if (words.length === 0) throw usageError('Missing command.');
  const family = COMMAND_NAMES.flatMap((name) =>
    name.startsWith(`${words[0]} `) ? name.slice(name.indexOf(' ') + 1) : [],
  );
  if (words.length === 1 && family.length > 0) {
    throw usageError(`${words[0]}: expected one of ${family.join(', ')}.`);
  }
  const near = nearest(words.join(' '), COMMAND_NAMES) ?? nearest(words[0] as string, COMMAND_NAMES);
  throw usageError(`Unknown command "${words.join(' ')}"${near ? `: did you mean "${near}"?` : '.'}`);
}

async function help(topic: readonly string[]): Promise<string> {
  const { helpOf, overview } = await import('./help.ts');
  const named = COMMAND_NAMES.filter((name) => startsWith(name.split(' '), topic));
  const exact = COMMAND_NAMES.find((name) => startsWith(topic, name.split(' ')));
  if (topic.length > 0 && exact) return helpOf(await loadCommand(exact));
  if (named.length > 0) return overview(await loadCommands(named));
  return helpOf(await loadCommand(find(topic)));
}

async function run(args: string[]): Promise<void> {
  const isHelp = args.includes('--help') || args.includes('-h') || args[0] === 'help';
  if (isHelp) {
    const words = args.filter((arg) => arg !== 'help');
    const end = words.findIndex((word) => word.startsWith('-'));
    process.stdout.write(await help(end < 0 ? words : words.slice(0, end)));
    return;
  }
  const name = args[0] === '--version' ? 'version' : find(args);
  if (readsStore(name) && !isIsolated()) return runIsolated(args);
  const command = await loadCommand(name);
  await command.run(args.slice(name.split(' ').length));
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
