/** visagectl: the operator's commands. */
import { nearest } from '../config/nearest.ts';
import { VisageError } from '../errors.ts';
import { EXIT, exitCodeOf } from '../ops/exit-codes.ts';
import { auditExport } from './audit-export.ts';
import { auditVerify } from './audit-verify.ts';
import { type Command, usageError } from './command.ts';
import { keysCreate } from './keys-create.ts';
import { keysList } from './keys-list.ts';
import { keysRevoke } from './keys-revoke.ts';
import { membersCreate } from './members-create.ts';
import { membersList } from './members-list.ts';
import { membersRemove } from './members-remove.ts';
import { membersResetPassword } from './members-reset-password.ts';
import { membersRole } from './members-role.ts';
import { modelsCalibrate } from './models-calibrate.ts';
import { tokensRotate } from './tokens-rotate.ts';

const COMMANDS: readonly Command[] = [
  keysCreate,
  keysList,
  keysRevoke,
  membersCreate,
  membersList,
  membersRole,
  membersRemove,
  membersResetPassword,
  tokensRotate,
  modelsCalibrate,
  auditExport,
  auditVerify,
];

function usage(commands: readonly Command[]): string {
  const lines = commands.map(({ name, usage, summary }) => `  visagectl ${name} ${usage}\n      ${summary}`);
  return `Usage:\n${lines.join('\n')}\n`;
}

function find(args: readonly string[]): Command {
  const command = COMMANDS.find(({ name }) => name.split(' ').every((word, at) => args[at] === word));
  if (command) return command;
  const words = args
    .filter((arg) => !arg.startsWith('-'))
    .slice(0, 2)
    .join(' ');
  if (words === '') throw usageError('A command is missing.');
  const near = nearest(
    words,
    COMMANDS.map(({ name }) => name),
  );
  throw usageError(`Unknown command "${words}"${near ? `: did you mean "${near}"?` : '.'}`);
}

async function run(args: string[]): Promise<void> {
  const isHelp = args.includes('--help') || args.includes('-h') || args[0] === 'help';
  if (isHelp) {
    const topic = args.filter((arg) => !arg.startsWith('-') && arg !== 'help').join(' ');
    const named = COMMANDS.filter(({ name }) => topic.startsWith(name));
    process.stdout.write(usage(named.length > 0 ? named : COMMANDS));
    return;
  }
  const command = find(args);
  await command.run(args.slice(command.name.split(' ').length));
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  const code = error instanceof VisageError ? EXIT.data : exitCodeOf(error);
  const text =
    error instanceof Error && code !== EXIT.failure ? error.message : String((error as Error).stack);
  process.stderr.write(`visagectl: ${text}\n`);
  if (code === EXIT.usage) process.stderr.write('`visagectl --help` lists the commands.\n');
  process.exitCode = code;
}
