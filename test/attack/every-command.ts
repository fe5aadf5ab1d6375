/** Runs visagectl's command lines one after the other in this process, as `bin/visagectl` would each. */
import { text } from 'node:stream/consumers';
import { guardOutput } from '../../src/cli/output.ts';
import { runCommandLine } from '../../src/cli/run.ts';

guardOutput();
for (const args of JSON.parse(await text(process.stdin)) as string[][]) {
  await runCommandLine(args);
  for (const stream of [process.stdout, process.stderr]) stream.write('<end>\n');
}
process.exit(0);
