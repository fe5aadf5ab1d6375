import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { ConfigError } from '../../src/config/config-error.ts';
import { environmentName, SETTING_NAMES } from '../../src/config/settings.ts';
import { Health } from '../../src/ops/health.ts';

function noteCompiled(): object[] {
  const noted: object[] = [];
  const { compile } = Ajv2020.prototype;
  Ajv2020.prototype.compile = function (this: Ajv2020, schema: object, isMeta?: boolean) {
    noted.push(schema);
    return compile.call(this, schema, isMeta);
  } as typeof compile;
  return noted;
}

test('Every schema compiles, and is one by the schema of schemas, which the service does not ask', async () => {
  const compiled = noteCompiled();
  const { readSettings } = await import('../../src/config/load.ts');
  for (const name of SETTING_NAMES) {
    try {
      readSettings({ [environmentName(name)]: '?' });
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
    }
  }
  assert.ok(compiled.length >= SETTING_NAMES.length);
  await import('../../src/access/tokens/tokens.ts');
  await import('../../src/vision/manifest.ts');
  await import('../../src/http/admin.ts');
  const { createRouter } = await import('../../src/http/api.ts');
  const { routeTable } = await import('../../src/service/app.ts');
  const routes = routeTable({ health: new Health(), identity: {}, access: {} } as Parameters<
    typeof routeTable
  >[0]);
  createRouter(routes, {} as Parameters<typeof createRouter>[1]);
  const { compileAll } = await import('../../src/api/validation.ts');
  await compileAll();

  assert.ok(compiled.length > 2 * routes.length, `only ${compiled.length} schemas were compiled`);
  const checker = new Ajv2020();
  for (const schema of compiled) {
    assert.ok(checker.validateSchema(schema), `${checker.errorsText()}: ${JSON.stringify(schema)}`);
  }
});
