/** Manual pages (man(7)) and what shells complete, made from the table of commands and the schema of the settings. */
import { environmentName, SETTINGS_SCHEMA, type SettingName } from '../config/settings.ts';
import { EXIT } from '../ops/exit-codes.ts';
import type { Command, Completion } from './command.ts';
import { aboutOption, optionUsage, usageOf } from './help.ts';

/** Text as troff shows it: no escape, no request at the start of a line. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^([.'])/gm, '\\&$1');
}

/** Words between backticks in bold. */
function prose(text: string): string {
  return roff(text).replaceAll(/`([^`]+)`/g, '\\fB$1\\fR');
}

function header(name: string, section: number, version: string, what: string): string {
  return `.TH ${name.toUpperCase()} ${section} "" "Visage ${version}"\n.SH NAME\n${name} \\- ${roff(what)}\n`;
}

/** What each exit code means, for people. */
const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done',
  failure: 'an error that should not happen',
  usage: 'the command line is wrong',
  data: 'what was asked for is not there, is not right, or was refused',
  unavailable: 'something that is needed is missing, broken or not running',
  locked: 'another process has the data folder; try again',
  config: 'a setting is unknown or wrong',
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
    header('visagectl', 1, version, 'look after the Visage face recognition appliance'),
    '.SH SYNOPSIS\n.B visagectl\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.br\n.B visagectl\n[\\fICOMMAND\\fR]\n.B \\-\\-help\n',
    '.SH DESCRIPTION\n',
    prose(
      'The settings are found as the service finds them: the file named by `VISAGE_CONFIG`, then the environment. Commands ' +
        'talk to the running service over its admin socket in the data folder; many work without it too. Run as root they act ' +
        'as the user who owns the data folder. Answers go to standard output, everything else to standard error.',
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
      'The service takes photographs over REST and says who is on them. It is one process with one data folder, which holds ' +
        'everything it keeps. `/livez` and `/readyz` say how it is; the API is described at `/swagger`.',
    ),
    '\n.SH SIGNALS\n.TP\n.B SIGTERM, SIGINT\n',
    prose(
      'No new connections are taken, requests end, and the service stops. A second one stops it at once.',
    ),
    '\n.TP\n.B SIGHUP\n',
    prose('The settings are read again, as `visagectl reload` does.'),
    '\n.SH FILES\n.TP\n.I /etc/visage/visage.toml\nsettings, see\n.BR visage.toml (5)\n',
    '.TP\n.I /var/lib/visage\nthe data folder\n.TP\n.I /var/backups/visage\nbackups\n',
    exitCodes(),
    '.SH SEE ALSO\n.BR visagectl (1),\n.BR visage.toml (5)\n',
  ].join('');
}

/** `visage.toml(5)`. */
export function settingsPage(version: string, defaults: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(SETTINGS_SCHEMA.properties) as SettingName[];
  const settings = names.map((name) => {
    const { description, type } = SETTINGS_SCHEMA.properties[name];
    const usual = defaults[name];
    const variable = type === 'object' ? '' : ` Environment variable: \`${environmentName(name)}\`.`;
    const standing =
      usual === null || usual === undefined
        ? 'Not set unless given.'
        : `Unless given: ${JSON.stringify(usual)}.`;
    return `.TP\n.B ${name}\n${prose(`Must be ${description}. ${standing}${variable}`)}\n`;
  });
  return [
    header('visage.toml', 5, version, 'settings of the Visage face recognition appliance'),
    '.SH DESCRIPTION\n',
    prose(
      'A TOML file, named by `VISAGE_CONFIG`. A setting of the environment wins over the file. An unknown or wrong setting ' +
        'stops the start with a sentence that says which one; `visagectl config check` says it before. Relative paths count from ' +
        "the file's folder.",
    ),
    '\n.SH SETTINGS\n',
    ...settings,
    '.SH SEE ALSO\n.BR visage (8),\n.BR visagectl (1)\n',
  ].join('');
}

/** What may stand after some words: the next words, options, and what each option and operand takes. */
interface Place {
  readonly words: string;
  readonly options: readonly string[];
  readonly values: ReadonlyMap<string, Completion>;
  readonly operand: Completion | null;
}

function placesOf(commands: readonly Command[]): Place[] {
  return commands.map(({ name, options, operands }) => {
    const values = new Map<string, Completion>();
    for (const [option, { choices, completion }] of Object.entries(options)) {
      const offered = choices ?? completion;
      if (offered) values.set(`--${option}`, offered);
    }
    const operand = operands.find(({ choices, completion }) => choices ?? completion);
    return {
      words: name,
      options: [...Object.keys(options).map((option) => `--${option}`), '--help'],
      values,
      operand: operand?.choices ?? operand?.completion ?? null,
    };
  });
}

/** First words, and second words by first word. */
function families(commands: readonly Command[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { name } of commands) {
    const [first = '', second] = name.split(' ');
    found.set(first, [...(found.get(first) ?? []), ...(second === undefined ? [] : [second])]);
  }
  return found;
}

/** How a shell offers what a place takes, as commands that end with a return. */
type Offer = (offered: Completion) => string;

const bashOffer: Offer = (offered) => {
  const hows = { file: 'compgen -f', folder: 'compgen -d' } as const;
  const how = typeof offered === 'string' ? hows[offered] : `compgen -W '${offered.join(' ')}'`;
  return `mapfile -t COMPREPLY < <(${how} -- "$word"); return`;
};

const zshOffer: Offer = (offered) => {
  const hows = { file: '_files', folder: '_files -/' } as const;
  return `${typeof offered === 'string' ? hows[offered] : `compadd -- ${offered.join(' ')}`}; return`;
};

/** The branches of a `case` over commands of one word, or of two. */
function branches(commands: readonly Command[], length: 1 | 2, offer: Offer): string {
  const some = commands.filter(({ name }) => name.split(' ').length === length);
  return placesOf(some)
    .map(({ words, options, values, operand }) => {
      const given = Array.from(
        values,
        ([option, offered]) => `        ${option}) ${offer(offered)} ;;\n`,
      ).join('');
      const rest = operand === null ? '' : `      [[ $word != -* ]] && { ${offer(operand)}; }\n`;
      return `    '${words}')\n      case $before in\n${given}      esac\n${rest}      ${offer(options)} ;;\n`;
    })
    .join('');
}

function secondWords(commands: readonly Command[], offer: Offer): string {
  return Array.from(families(commands), ([first, words]) =>
    words.length === 0 ? '' : `    ${first}) ${offer(words)} ;;\n`,
  ).join('');
}

function body(commands: readonly Command[], offer: Offer): string {
  return `  if ((position == 1)); then
    ${offer([...families(commands).keys(), '--help'])}
  fi
  if ((position == 2)); then
    case $first in
${secondWords(commands, offer)}    esac
  fi
  case "$first $second" in
${branches(commands, 2, offer)}  esac
  case $first in
${branches(commands, 1, offer)}  esac
`;
}

/** For bash(1). */
export function bashCompletion(commands: readonly Command[]): string {
  return `# bash completion of visagectl, made from its table of commands.
_visagectl() {
  local position=$COMP_CWORD word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  local first=\${COMP_WORDS[1]} second=\${COMP_WORDS[2]}
${body(commands, bashOffer)}}
complete -o filenames -F _visagectl visagectl
`;
}

/** For zsh(1). */
export function zshCompletion(commands: readonly Command[]): string {
  return `#compdef visagectl
# zsh completion of visagectl, made from its table of commands.
_visagectl() {
  local position=$((CURRENT - 1)) word=\${words[CURRENT]} before=\${words[CURRENT-1]}
  local first=\${words[2]} second=\${words[3]}
${body(commands, zshOffer)}}
_visagectl "$@"
`;
}

function fishText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** For fish(1). */
export function fishCompletion(commands: readonly Command[]): string {
  const lines = [
    '# fish completion of visagectl, made from its table of commands.',
    'complete -c visagectl -f',
  ];
  for (const [first, words] of families(commands)) {
    const summary = commands.find(({ name }) => name === first)?.summary ?? words.join(', ');
    lines.push(`complete -c visagectl -n __fish_use_subcommand -a ${first} -d ${fishText(summary)}`);
  }
  for (const { name, summary, options, operands } of commands) {
    const [first = '', second] = name.split(' ');
    const isFirst = `__fish_seen_subcommand_from ${first}`;
    const others = second === undefined ? [] : (families(commands).get(first) ?? []);
    if (second !== undefined) {
      const condition = `${isFirst}; and not __fish_seen_subcommand_from ${others.join(' ')}`;
      lines.push(`complete -c visagectl -n '${condition}' -a ${second} -d ${fishText(summary)}`);
    }
    const here = `'${isFirst}${second === undefined ? '' : `; and __fish_seen_subcommand_from ${second}`}'`;
    for (const [option, { type, about, choices, completion }] of Object.entries(options)) {
      const takes =
        type === 'boolean'
          ? ''
          : choices
            ? ` -x -a ${fishText(choices.join(' '))}`
            : completion
              ? ' -r -F'
              : ' -x';
      lines.push(`complete -c visagectl -n ${here} -l ${option}${takes} -d ${fishText(about)}`);
    }
    for (const { choices, completion } of operands) {
      if (choices) lines.push(`complete -c visagectl -n ${here} -a ${fishText(choices.join(' '))}`);
      else if (completion) lines.push(`complete -c visagectl -n ${here} -F`);
    }
  }
  return `${lines.join('\n')}\n`;
}
