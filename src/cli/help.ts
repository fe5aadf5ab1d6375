import { type Command, columns, type Option, placeholderOf } from './command.ts';

export function optionUsage(name: string, option: Option): string {
  return option.type === 'boolean' ? `--${name}` : `--${name} ${placeholderOf(option)}`;
}

export function usageOf({ operands, options }: Command): string {
  const words = operands.map(({ name, choices, optional }) => {
    const word = choices?.join('|') ?? name;
    return optional ? `[${word}]` : word;
  });
  const named = Object.entries(options).map(([name, option]) => {
    const usage = optionUsage(name, option);
    return option.required ? usage : `[${usage}]${option.multiple ? '...' : ''}`;
  });
  const required = named.filter((usage) => !usage.startsWith('['));
  return [...words, ...required, ...named.filter((usage) => usage.startsWith('['))].join(' ');
}

export function aboutOption({ about, default: usual }: Option): string {
  return usual === undefined ? about : `${about} Default: ${usual}.`;
}

export function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => [`  ${name}`, summary]);
  return `Usage: visagectl COMMAND [OPTIONS]

${columns(rows)}
Run \`visagectl COMMAND --help\` for details. Commands work with a running service and, where possible, without one.
`;
}

export function helpOf(command: Command): string {
  const { name, summary, details, examples, operands, options } = command;
  const rows = [
    ...operands.map((operand) => [`  ${operand.name}`, operand.about]),
    ...Object.entries(options).map(([option, value]) => [
      `  ${optionUsage(option, value)}`,
      aboutOption(value),
    ]),
  ];
  return [
    `Usage: visagectl ${name} ${usageOf(command)}`.trimEnd(),
    summary,
    ...details,
    columns(rows).trimEnd(),
    ...(examples.length > 0
      ? [`Examples:\n${examples.map((line) => `  visagectl ${line}`).join('\n')}`]
      : []),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}
