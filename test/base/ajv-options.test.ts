import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
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

test('Every schema that a start compiles is one by the schema of schemas, which the start does not ask', async () => {
  const compiled = noteCompiled();
  await import('../../src/config/load.ts');
  await import('../../src/access/tokens/tokens.ts');
  await import('../../src/vision/manifest.ts');
  await import('../../src/http/admin.ts');
  const { createRouter } = await import('../../src/http/api.ts');
  const { routeTable } = await import('../../src/service/app.ts');
  const routes = routeTable({ health: new Health(), identity: {}, access: {} } as Parameters<
    typeof routeTable
  >[0]);
  createRouter(routes, {} as Parameters<typeof createRouter>[1]);

  assert.ok(compiled.length > 2 * routes.length, `only ${compiled.length} schemas were compiled`);
  const checker = new Ajv2020();
  for (const schema of compiled) {
    assert.ok(checker.validateSchema(schema), `${checker.errorsText()}: ${JSON.stringify(schema)}`);
  }
});
