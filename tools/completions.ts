/** Shell completions, made from the table of commands. */
import type { Command, Completion } from '../src/cli/command.ts';

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

function families(commands: readonly Command[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { name } of commands) {
    const [first = '', second] = name.split(' ');
    found.set(first, [...(found.get(first) ?? []), ...(second === undefined ? [] : [second])]);
  }
  return found;
}

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

export function bashCompletion(commands: readonly Command[]): string {
  return `# bash completion of visagectl, made from its table of commands.
_visagectl() {
  local position=$COMP_CWORD word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  local first=\${COMP_WORDS[1]} second=\${COMP_WORDS[2]}
${body(commands, bashOffer)}}
complete -o filenames -F _visagectl visagectl
`;
}

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
