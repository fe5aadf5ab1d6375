/** Manual pages in man(7), made from the table of commands. */
import type { Command } from '../src/cli/command.ts';
import { aboutOption, optionUsage, usageOf } from '../src/cli/help.ts';
import { EXIT } from '../src/ops/exit-codes.ts';

function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^([.'])/gm, '\\&$1');
}

export function prose(text: string): string {
  return roff(text).replaceAll(/`([^`]+)`/g, '\\fB$1\\fR');
}

export function header(name: string, section: number, version: string, what: string): string {
  return `.TH ${name.toUpperCase()} ${section} "" "Visage ${version}"\n.SH NAME\n${name} \\- ${roff(what)}\n`;
}

const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done',
  failure: 'internal error',
  usage: 'invalid command line',
  data: 'the requested object is missing or invalid, or the request was refused',
  unavailable: 'a required part is missing, broken or not running',
  locked: 'another process uses the data folder; try again',
  config: 'a setting is unknown or invalid',
  forced: 'interrupted',
};

function exitCodes(): string {
  const lines = Object.entries(EXIT).map(
    ([name, code]) => `.TP\n.B ${code}\n${roff(EXIT_MEANINGS[name as keyof typeof EXIT])}\n`,
  );
  return `.SH EXIT STATUS\n${lines.join('')}`;
}

function commandPage(command: Command): string {
  const { name, summary, details, operands, options, examples } = command;
  return [
    `.SS ${roff(name)}\n.B visagectl ${roff(name)}\n${roff(usageOf(command))}\n.PP\n${prose(summary)}\n`,
    ...details.map((text) => `.PP\n${prose(text)}\n`),
    ...operands.map((operand) => `.TP\n.I ${operand.name}\n${prose(operand.about)}\n`),
    ...Object.entries(options).map(
      ([option, value]) => `.TP\n.B ${roff(optionUsage(option, value))}\n${prose(aboutOption(value))}\n`,
    ),
    ...examples.map((line) => `.PP\n.nf\n    visagectl ${roff(line)}\n.fi\n`),
  ].join('');
}

/** `visagectl(1)`. */
export function visagectlPage(commands: readonly Command[], version: string): string {
  return [
    header('visagectl', 1, version, 'administer the Visage face recognition appliance'),
    '.SH SYNOPSIS\n.B visagectl\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.br\n.B visagectl\n[\\fICOMMAND\\fR]\n.B \\-\\-help\n',
    '.SH DESCRIPTION\n',
    prose(
      'Reads the same settings as the service: the file that `VISAGE_CONFIG` names, overridden by the environment. Talks to the ' +
        'running service over the admin socket in the data folder; many commands also work while it is stopped. As root, acts as ' +
        'the owner of the data folder. Prints results to standard output, everything else to standard error.',
    ),
    '\n.SH COMMANDS\n',
    ...commands.map(commandPage),
    exitCodes(),
    '.SH SEE ALSO\n.BR visage (8),\n.BR visage.toml (5)\n',
  ].join('');
}

/** `visage(8)`. */
export function visagePage(version: string): string {
  return [
    header('visage', 8, version, 'face recognition appliance'),
    '.SH DESCRIPTION\n',
    prose(
      'Serves face recognition over REST: one process, with all data in one folder. `/livez` and `/readyz` report its state; ' +
        '`/swagger` documents the API.',
    ),
    '\n.SH SIGNALS\n.TP\n.B SIGTERM, SIGINT\n',
    prose('Stop accepting connections, finish requests, and exit. A second signal exits at once.'),
    '\n.TP\n.B SIGHUP\n',
    prose('Reload the settings, as `visagectl reload` does.'),
    '\n.SH FILES\n.TP\n.I /etc/visage/visage.toml\nsettings, see\n.BR visage.toml (5)\n',
    '.TP\n.I /var/lib/visage\nthe data folder\n.TP\n.I /var/backups/visage\nbackups\n',
    exitCodes(),
    '.SH SEE ALSO\n.BR visagectl (1),\n.BR visage.toml (5)\n',
  ].join('');
}
