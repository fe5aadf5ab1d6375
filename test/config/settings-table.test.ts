import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parse as parseToml } from 'smol-toml';
import { readSettings } from '../../src/config/load.ts';
import { SETTING_NAMES, SETTINGS } from '../../src/config/settings.ts';
import { ROOT } from '../../testing/service.ts';
import { annotatedSettings } from '../../tools/settings-files.ts';

function parse(toml: string): Record<string, unknown> {
  return JSON.parse(JSON.stringify(parseToml(toml)));
}

describe('The annotated settings file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'visage-annotated-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'visage.toml');
  const text = readFileSync(join(ROOT, 'packaging/files/visage.toml'), 'utf8');
  const uncommented = text.replaceAll(/^#(?=[a-z[])/gm, '');

  test('shows every setting, and sets only the folders of data and backups', () => {
    const folders = { data_dir: '/var/lib/visage', backup_dir: '/var/backups/visage' };
    assert.deepEqual(parse(text), folders);
    assert.deepEqual(Object.keys(parse(uncommented)).sort(), [...SETTING_NAMES].sort());
  });

  test('is valid with every setting uncommented', () => {
    writeFileSync(file, uncommented);
    const values = readSettings({ VISAGE_CONFIG: file });
    assert.deepEqual(values.prices, { searchFace: 0.001 });
    assert.equal(values.tls_key, join(folder, 'tls/key.pem'));
  });

  test('shows the defaults of settings that have one and no example', () => {
    const shown = parse(annotatedSettings([], {}).replaceAll(/^#(?=[a-z[])/gm, ''));
    for (const name of SETTING_NAMES) {
      const { default: standard, example } = SETTINGS[name];
      assert.deepEqual(shown[name], example ?? standard, name);
    }
  });
});

test('Each setting has one sentence or two, which a table of Markdown can hold', () => {
  for (const name of SETTING_NAMES) {
    const { about, default: standard } = SETTINGS[name];
    assert.match(about, /^[A-Z][^|\n]*\.$/, name);
    if (typeof standard === 'function') assert.ok('defaultText' in SETTINGS[name], name);
  }
});
