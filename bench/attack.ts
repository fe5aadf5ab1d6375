/**
 * `npm run bench:attack [-- --quick] [--part stalls|memory|fairness]... [--route TEXT]...`: what hostile
 * clients cost the service and those who use it beside them. With `--route`, the part `stalls` sends its shapes
 * to routes whose path contains the text, and skips the galleries.
 */
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { measureFairness } from './attack-fairness.ts';
import { measureMemory } from './attack-memory.ts';
import { measureStalls } from './attack-stalls.ts';

const PARTS = {
  stalls: { title: 'Stalls: how long a request holds the event loop', measure: measureStalls },
  memory: { title: 'Memory: how much the service grows', measure: measureMemory },
  fairness: { title: 'Fairness: what another tenant at 10 requests/s notices', measure: measureFairness },
} as const;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    part: { type: 'string', multiple: true, default: Object.keys(PARTS) },
    route: { type: 'string', multiple: true },
  },
});
const unknown = options.part.find((name) => !Object.hasOwn(PARTS, name));
if (unknown !== undefined) {
  console.error(`There is no part "${unknown}"; there are ${Object.keys(PARTS).join(', ')}.`);
  process.exit(64);
}
const load = (loadavg()[0] as number).toFixed(1);
console.log(`${availableParallelism()} cores, load average ${load} before the first part`);
for (const [name, { title, measure }] of Object.entries(PARTS)) {
  if (!options.part.includes(name)) continue;
  console.log(`\n\n${title}\n`);
  await measure(options.quick, options.route);
}
