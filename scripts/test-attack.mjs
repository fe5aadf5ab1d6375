/**
 * `npm run test:attack [-- audit]`: runs the attacks of `test/attack/`, or of one file, at full length, and prints
 * attempts and successes.
 */
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { ROOT, setUpOrExit, TEST_STEPS } from './setup/set-up.mjs';
import { runTests, testFiles } from './test-runner.mjs';

const TIMEOUT_MS = 1_800_000;
const MARK = 'attack-result ';

const only = process.argv[2] ?? '';
await setUpOrExit(TEST_STEPS);
process.env.VISAGE_ATTACK = 'full';

const results = [];
const output = new Writable({
  decodeStrings: false,
  write(text, _, done) {
    for (const line of text.split('\n')) {
      const at = line.indexOf(MARK);
      if (at >= 0) results.push(JSON.parse(line.slice(at + MARK.length)));
    }
    process.stdout.write(text, done);
  },
});
const folder = join(ROOT, 'dist/test/attack');
const files = testFiles(folder).filter((file) => file.slice(folder.length).includes(only));
// One file at a time: a load attack must not disturb another service.
const count = await runTests(files, { output, concurrency: 1, timeout: TIMEOUT_MS });

console.log('attempts  successes  attack');
for (const { name, attempts, successes } of results) {
  console.log(`${String(attempts).padStart(8)}  ${String(successes).padStart(9)}  ${name}`);
}
const sum = (field) => results.reduce((total, result) => total + result[field], 0);
console.log(`${sum('attempts')} attempts, ${sum('successes')} successes`);
process.exitCode = count.failed > 0 || results.length === 0 ? 1 : 0;
console.log(`${count}`);
