/**
 * `npm run bench:memory -- --requests N`: the service's memory while it answers N searches (default 4,000) of
 * mixed formats, sizes and bodies.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { report } from './report.ts';
import { type Body, bodiesOf, sample, startSearchService } from './search-service.ts';

const CLIENTS = 8;
const SAMPLES = 24;

const { values } = parseArgs({ options: { requests: { type: 'string', default: '4000' } } });
const requests = Number(values.requests);
if (!Number.isInteger(requests) || requests < SAMPLES) {
  console.error(`Usage: npm run bench:memory -- --requests N, at least ${SAMPLES}`);
  process.exit(64);
}

async function mixedBodies(): Promise<Body[]> {
  const bodies: Body[] = [];
  const add = (file: Buffer, type: string) => bodies.push(...bodiesOf(file, type));
  for (let i = 1; i <= 6; i++) {
    add(await sample(i, 640, 480).jpeg({ quality: 90 }).toBuffer(), 'image/jpeg');
    add(await sample(i, 250, 250).jpeg().toBuffer(), 'image/jpeg');
    add(await sample(i, 320, 240).webp().toBuffer(), 'image/webp');
    add(
      await sample(i, 200 + 40 * i, 240)
        .png()
        .toBuffer(),
      'image/png',
    );
  }
  add(await sample(1, 1280, 720).jpeg().toBuffer(), 'image/jpeg');
  add(await sample(2, 320, 240).gif().toBuffer(), 'image/gif');
  add(await sample(3, 320, 240).blur(40).jpeg().toBuffer(), 'image/jpeg');
  add((await sample(4, 640, 480).jpeg().toBuffer()).subarray(0, 9_000), 'image/jpeg');
  add((await sample(5, 320, 240).png().toBuffer()).subarray(0, 20_000), 'image/png');
  bodies.push(bodiesOf(await sample(6, 4000, 3000).jpeg().toBuffer())[0]);
  return bodies;
}

async function heldBy(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

function slopeOf(points: readonly (readonly [requests: number, megabytes: number])[]): number {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x0, y0] = [mean(0), mean(1)];
  const along = points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0);
  const variance = points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
  return (10_000 * along) / variance;
}

const bodies = await mixedBodies();
const service = await startSearchService();
try {
  const points: [number, number][] = [];
  const statuses = new Map<number, number>();
  let sent = 0;
  const client = async (until: number) => {
    while (sent < until) {
      const status = await service.search(bodies[(sent++ * 31) % bodies.length] as Body);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  console.log(`${'requests'.padStart(9)}  megabytes`);
  for (let i = 0; i <= SAMPLES; i++) {
    const until = Math.round((i * requests) / SAMPLES);
    await Promise.all(Array.from({ length: CLIENTS }, () => client(until)));
    points.push([until, await heldBy(service.child.process.pid)]);
    console.log(`${String(until).padStart(9)}  ${points.at(-1)?.[1].toFixed(1).padStart(9)}`);
  }
  const answers = [...statuses].sort().map(([status, count]) => `${count} x ${status}`);
  console.log(`\nanswers: ${answers.join(', ')}`);
  const settled = points.slice(Math.ceil(points.length / 3));
  const slope = slopeOf(settled);
  const [first, last] = [settled.at(0)?.[1] ?? 0, settled.at(-1)?.[1] ?? 0];
  console.log(`after the first third: ${slope.toFixed(2)} megabytes in 10,000 requests`);
  report({
    claim: `memory over ${requests.toLocaleString('en')} searches: slope after the first third`,
    value: slope,
    unit: 'MB in 10,000',
    aim: 'flat',
    note: `${first.toFixed(0)} MB held after the first third, ${last.toFixed(0)} at the end`,
  });
} finally {
  await service.stop();
}
