import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

test('The first answer with an object finds loaded what Koa needs for it', async () => {
  const app = new URL('../../src/http/koa-app.js', import.meta.url).href;
  const program = `
    const loaded = () => process.moduleLoadList.filter((name) => name.includes('undici')).length;
    await import(${JSON.stringify(app)});
    const before = loaded();
    const { default: Koa } = await import('koa');
    const response = Object.create(new Koa().response);
    const res = { setHeader() {}, getHeader() {}, removeHeader() {}, hasHeader() {} };
    Object.assign(response, { res, req: { httpVersionMajor: 1 } });
    response.body = {};
    console.log(JSON.stringify([before > 0, loaded() - before]));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  assert.deepEqual(JSON.parse(stdout), [true, 0]);
});
