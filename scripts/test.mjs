/**
 * `npm test`: sets up, runs every test, and ends with the line `N passed, N failed`. `--only store` selects the files
 * whose path under `dist/test` contains "store".
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, setUpOrExit, TEST_STEPS } from './setup/set-up.mjs';
import { runTests, testFiles } from './test-runner.mjs';

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
await setUpOrExit(TEST_STEPS);
const folder = join(ROOT, 'dist/test');
const count = await runTests(
  testFiles(folder).filter((file) => file.slice(folder.length).includes(values.only)),
  { record: join(ROOT, 'build/test-times.json') },
);
process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;
console.log(`${count}`);
