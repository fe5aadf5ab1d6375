import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../testing/service.ts';

test('ONNX Runtime keeps no record of its use, and so has none to send to its makers', () => {
  const home = mkdtempSync(join(tmpdir(), 'visage-test-'));
  try {
    const program = fileURLToPath(new URL('programs/busy-exit.js', import.meta.url));
    const { XDG_CACHE_HOME: _, ORT_DISABLE_TELEMETRY: __, ...environment } = childEnvironment({ HOME: home });
    execFileSync(process.execPath, [program, 'done'], { env: environment });
    assert.deepEqual(readdirSync(home, { recursive: true }), []);
  } finally {
    rmSync(home, { recursive: true });
  }
});
