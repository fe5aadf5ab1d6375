import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { childEnvironment } from '../../testing/service.ts';

const LIMIT_MS = 60_000;

test('A test file that needs a browser says so and ends if there is none, or if it does not start', async () => {
  const file = fileURLToPath(new URL('../web/overview.test.js', import.meta.url));
  const run = (program: string) =>
    promisify(execFile)(process.execPath, [file], {
      env: childEnvironment({ CHROMIUM: program }),
      timeout: LIMIT_MS,
    }).catch((error: { code: unknown; stdout: string; stderr: string }) => error);
  const missing = (await run('/nowhere/chromium')) as { code?: unknown; stderr: string };
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /This file needs Chromium at \/nowhere\/chromium: run `sudo apt-get install/);
  const broken = (await run('/bin/false')) as { code?: unknown; stdout: string };
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /browserType\.launch/);
});
