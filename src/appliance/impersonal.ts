/** Removes values that could name a person, a place or a secret. */
import { isDeepStrictEqual } from 'node:util';
import type { Schema } from '../config/setting.ts';
import { SETTING_NAMES, SETTINGS } from '../config/settings.ts';
import type { SettingsInUse } from './settings-routes.ts';

const SET = '(set)';

function impersonalValue(schema: Schema, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (schema.type === 'array') return { entries: (value as readonly unknown[]).length };
  if (schema.type === 'object') {
    const entries = Object.entries(value);
    if ('properties' in schema) {
      const known = entries.flatMap(([name, item]) => {
        const property = schema.properties[name];
        return property ? [[name, impersonalValue(property, item)]] : [];
      });
      return Object.fromEntries(known);
    }
    return { entries: entries.length };
  }
  return schema.type === 'string' && !('enum' in schema) ? SET : value;
}

export function impersonalSettings({ values, sources, defaults }: SettingsInUse) {
  return SETTING_NAMES.map((name) => {
    const { schema, isSecret } = SETTINGS[name];
    const isDefault = !isSecret && isDeepStrictEqual(values[name], defaults[name]);
    return {
      name,
      value: isDefault ? values[name] : impersonalValue(schema, values[name]),
      source: sources[name],
    };
  });
}

const HIDDEN: readonly (readonly [pattern: RegExp, shown: string])[] = [
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'`,;)]+/gi, '<url>'],
  [/[^\s"'`<>(),;:]+@[^\s"'`<>(),;:]+/g, '<e-mail>'],
  [/\bfr_(live|test)_[0-9a-f]+/gi, '<key>'],
  [/\b(key|mem|acc|ses|face|inv|evt|event)_[0-9A-Za-z_-]+/g, '<id>'],
  [/(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?(?![\w.])/g, '<address>'],
  [/\[?(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4})?(?:%\w+)?\]?(?::\d+)?/gi, '<address>'],
  [/(?<![\w<])\.{0,2}\/[^\s"'`,;)]+/g, '<path>'],
];

/** Looks like IPv6, but is a time of day. */
const TIME_OF_DAY = /^\d{1,2}:\d\d:\d\d$/;

export function impersonalText(text: string, names: readonly string[]): string {
  let shown = text;
  for (const name of names) if (name.length > 1) shown = shown.replaceAll(name, '<host>');
  for (const [pattern, replacement] of HIDDEN) {
    shown = shown.replaceAll(pattern, (found: string) => (TIME_OF_DAY.test(found) ? found : replacement));
  }
  return shown;
}
