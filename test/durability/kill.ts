/** `npm run test:durability -- --kills N [--seed S]`: kills the service N times amid writing; see `rounds.ts`. */
import { parseArgs } from 'node:util';
import { killRepeatedly } from './rounds.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } },
});
const began = performance.now();
const report = await killRepeatedly(Number(values.kills), Number(values.seed), (line) => console.log(line));
const seconds = ((performance.now() - began) / 1000).toFixed(1);
for (const problem of report.problems) console.error(problem);
console.log(
  `${report.kills} kills in ${seconds} s: ${report.answers} answers, ${report.acknowledgedFaces} acknowledged faces, ${report.problems.length} problems`,
);
process.exitCode = report.problems.length > 0 ? 1 : 0;
