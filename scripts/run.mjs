/**
 * `node scripts/run.mjs dist/src/main.js [argument...]`: sets up, then runs the program in this process, which gets the
 * signals and standard input.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, setUpOrExit } from './setup/set-up.mjs';

const [program, ...args] = process.argv.slice(2);
if (!program) {
  console.error('Usage: node scripts/run.mjs <program> [argument...]');
  process.exit(2);
}
await setUpOrExit();
const file = resolve(ROOT, program);
process.argv = [process.argv[0], file, ...args];
await import(pathToFileURL(file).href);
