/**
 * `npm run web:dev`: serves the dashboard from its sources at http://localhost:5173, and passes API calls to the service at
 * `VISAGE_URL`, http://127.0.0.1:8080 by default.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, setUpOrExit } from './setup/set-up.mjs';

await setUpOrExit();
const { status } = spawnSync(process.execPath, [join(ROOT, 'node_modules/vite/bin/vite.js'), 'web'], {
  cwd: ROOT,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
