/** Manual page, docs and `visage.toml`, made from the settings table. */
import { stringify } from 'smol-toml';
import { expected, type Schema, type Setting } from '../src/config/setting.ts';
import { environmentName, type SettingName } from '../src/config/settings.ts';
import { SETTING_GROUPS } from '../src/config/settings-table.ts';
import { header, prose } from './manual-pages.ts';

const LINE_WIDTH = 100;

interface Row {
  readonly name: string;
  readonly rule: string;
  readonly fallback: string;
  readonly appliedBy: 'reload' | 'restart';
  /** Null: the environment cannot set it. */
  readonly variable: string | null;
  readonly about: string;
}

function groups(): [title: string, settings: [SettingName, Setting][]][] {
  return Object.entries(SETTING_GROUPS).map(([title, settings]) => [
    title,
    Object.entries<Setting>(settings) as [SettingName, Setting][],
  ]);
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, item]) => `${key} = ${inline(item)}`);
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}

function fallbackOf(setting: Setting): string {
  if ('defaultText' in setting) return setting.defaultText;
  if ('properties' in setting.schema) return 'the defaults of its keys';
  return setting.default === null ? 'none' : `\`${inline(setting.default)}\``;
}

interface Key {
  readonly name: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
}

function keysOf(name: string, schema: Schema): Key[] {
  if (schema.type !== 'object') return [];
  if (!('properties' in schema)) return keysOf(`${name}.NAME`, schema.additionalProperties);
  return Object.entries(schema.properties).map(([key, value]) => ({
    name: `${name}.${key}`,
    schema: value,
    isRequired: schema.required?.includes(key) ?? false,
  }));
}

function rowsOf(name: SettingName, setting: Setting): Row[] {
  const { unit, about } = setting;
  const keys = keysOf(name, setting.schema);
  const row: Row = {
    name,
    rule: expected(setting.schema, unit),
    fallback: fallbackOf(setting),
    appliedBy: setting.reload ? 'reload' : 'restart',
    variable: setting.schema.type === 'object' ? null : environmentName(name),
    about,
  };
  const keyRows = keys.map(({ name: key, schema, isRequired }) => ({
    ...row,
    name: key,
    rule: expected(schema),
    fallback: isRequired ? 'none, required' : `\`${inline(schema.default)}\``,
    about: schema.description ?? '',
  }));
  return [row, ...keyRows];
}

/** `visage.toml(5)`. */
export function settingsPage(version: string): string {
  const entry = ({ name, rule, fallback, appliedBy, variable, about }: Row) => {
    const environment = variable === null ? '' : ` Environment variable: \`${variable}\`.`;
    const text = `${about} Expects ${rule}. Default: ${fallback}. Applied by: ${appliedBy}.${environment}`;
    return `.TP\n.B ${name}\n${prose(text)}\n`;
  };
  const sections = groups().map(([title, settings]) => {
    const rows = settings.flatMap(([name, setting]) => rowsOf(name, setting));
    return `.SS ${title}\n${rows.map(entry).join('')}`;
  });
  return [
    header('visage.toml', 5, version, 'settings of the Visage face recognition appliance'),
    '.SH DESCRIPTION\n',
    prose(
      'Visage reads its settings from a TOML file that `VISAGE_CONFIG` names. An environment variable overrides the file. ' +
        'A relative path in the file counts from its folder. An unknown or invalid setting stops the start; ' +
        '`visagectl config check` finds it before. `systemctl reload visage` applies the settings that say so; ' +
        'the others need a restart.',
    ),
    '\n.SH SETTINGS\n',
    ...sections,
    '.SH SEE ALSO\n.BR visage (8),\n.BR visagectl (1)\n',
  ].join('');
}

export function settingsTables(): string {
  const line = ({ name, rule, fallback, appliedBy, about }: Row) =>
    `| \`${name}\` | ${about} | ${rule} | ${fallback} | ${appliedBy} |\n`;
  return groups()
    .map(([title, settings]) => {
      const rows = settings.flatMap(([name, setting]) => rowsOf(name, setting));
      return `### ${title}\n\n| setting | what it does | value | default | applied by |\n|---|---|---|---|---|\n${rows.map(line).join('')}`;
    })
    .join('\n');
}

function comment(text: string): string {
  const lines = [''];
  for (const word of text.replaceAll('`', '').split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (longer.length < LINE_WIDTH) lines[lines.length - 1] = longer;
    else lines.push(` ${word}`);
  }
  return lines.map((line) => `#${line}\n`).join('');
}

export function annotatedSettings(
  intro: readonly string[],
  given: Partial<Record<SettingName, unknown>>,
): string {
  const isTable = ([, { schema }]: [SettingName, Setting]) => schema.type === 'object';
  const entry = ([name, setting]: [SettingName, Setting]) => {
    const [row, ...keys] = rowsOf(name, setting) as [Row, ...Row[]];
    const about = `${row.about} Expects ${row.rule}. Default: ${row.fallback}. Applied by: ${row.appliedBy}.`;
    const keyLines = keys.map((key) =>
      comment(`${key.name}: ${key.about} Expects ${key.rule}. Default: ${key.fallback}.`),
    );
    const value = stringify({ [name]: given[name] ?? setting.example ?? setting.default }).trim();
    const shown = name in given ? value : value.replaceAll(/^(?=.)/gm, '#');
    return `${comment(about)}${keyLines.join('')}${shown}\n`;
  };
  const section = (title: string, settings: [SettingName, Setting][]) =>
    settings.length === 0 ? [] : [`## ${title}\n\n${settings.map(entry).join('\n')}`];
  return [
    `${intro.map((line) => `# ${line}`.trim()).join('\n')}\n`,
    ...groups().flatMap(([title, settings]) =>
      section(
        title,
        settings.filter((each) => !isTable(each)),
      ),
    ),
    ...section(
      'Tables: keep them at the end of the file',
      groups().flatMap(([, settings]) => settings.filter(isTable)),
    ),
  ].join('\n');
}
