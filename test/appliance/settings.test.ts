import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { applianceRoutes } from '../../src/appliance/routes.ts';
import { defaultSettings, readSettings, settingSources } from '../../src/config/load.ts';
import { SETTING_NAMES } from '../../src/config/settings.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

describe('The list of settings', () => {
  test('has every setting with its value, default, source and whether it needs a restart, but no place of a key', async (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'visage.toml');
    writeFileSync(
      file,
      'max_queue = 7\ntls_certificate = "cert.pem"\ntls_key = "private-place/key.pem"\nlog_level = "warn"\n',
    );
    const environment = { VISAGE_CONFIG: file, VISAGE_LOG_LEVEL: 'debug' };
    const inUse = {
      values: readSettings(environment),
      sources: settingSources(environment),
      defaults: defaultSettings(environment),
    };
    const list = applianceRoutes({ appliance: { settings: () => inUse } as never }).find(
      ({ operationId }) => operationId === 'getSettings',
    );
    assert.ok(list);
    const { body } = (await list.handler({} as never)) as {
      body: { settings: { name: string; description: string }[] };
    };
    assert.deepEqual(
      body.settings.map(({ name }) => name),
      SETTING_NAMES,
    );
    const of = (name: string) => {
      const found = body.settings.find((each) => each.name === name);
      assert.match(String(found?.description), /^[A-Z].*\.$/);
      return { ...found, description: undefined };
    };
    assert.deepEqual(of('max_queue'), {
      name: 'max_queue',
      value: 7,
      default: 64,
      source: 'file',
      needsRestart: true,
      description: undefined,
    });
    assert.deepEqual(of('log_level'), {
      name: 'log_level',
      value: 'debug',
      default: 'info',
      source: 'environment',
      needsRestart: false,
      description: undefined,
    });
    assert.deepEqual(of('tls_key'), {
      name: 'tls_key',
      value: '(set)',
      default: null,
      source: 'file',
      needsRestart: false,
      description: undefined,
    });
    assert.doesNotMatch(JSON.stringify(body), /private-place|backup\.key/);
  });
});
