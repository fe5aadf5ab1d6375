import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SETTING_NAMES, SETTINGS } from '../../src/config/settings.ts';
import { ROOT } from '../../testing/service.ts';

const FOLDER = join(ROOT, 'web/src/i18n');
const PLURAL = /_(zero|one|two|few|many|other)$/;

type Strings = { readonly [key: string]: string | Strings };

function flat(strings: Strings, prefix = ''): [string, string][] {
  return Object.entries(strings).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[prefix + key, value]] : flat(value, `${prefix}${key}.`),
  );
}

function stringsOf(language: string, file: string): Map<string, string> {
  return new Map(flat(JSON.parse(readFileSync(join(FOLDER, language, file), 'utf8'))));
}

const files = readdirSync(join(FOLDER, 'en'));
const values = (text: string) => [...text.matchAll(/\{\{\s*(\w+)/g)].map(([, name]) => name).sort();

describe('The strings of the dashboard', () => {
  test('exist for the same screens in both languages', () => {
    assert.deepEqual(readdirSync(join(FOLDER, 'de')), files);
  });

  for (const file of files) {
    test(`${file} has the same keys and values in both languages, and no empty text`, () => {
      const [en, de] = [stringsOf('en', file), stringsOf('de', file)];
      assert.deepEqual([...de.keys()].sort(), [...en.keys()].sort());
      for (const [key, text] of en) {
        assert.ok(text.trim() !== '' && de.get(key)?.trim() !== '', key);
        if (!PLURAL.test(key)) assert.deepEqual(values(de.get(key) ?? ''), values(text), key);
      }
    });
  }

  test('describe every setting in German, with the same code', () => {
    const file = join(ROOT, 'web/src/screens/system/settings.de.json');
    const german: Readonly<Record<string, string>> = JSON.parse(readFileSync(file, 'utf8'));
    assert.deepEqual(Object.keys(german).sort(), [...SETTING_NAMES].sort());
    const code = (text = '') => text.match(/`[^`]+`/g) ?? [];
    for (const name of SETTING_NAMES) assert.deepEqual(code(german[name]), code(SETTINGS[name].about), name);
  });
});
