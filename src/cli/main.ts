import { guardOutput } from './output.ts';
import { fail, runCommandLine } from './run.ts';

guardOutput();
// Node's error output bypasses the guard.
process.on('uncaughtException', (error) => {
  fail(error);
  process.exit();
});
await runCommandLine(process.argv.slice(2));
