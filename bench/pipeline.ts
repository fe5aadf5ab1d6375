/**
 * `npm run bench:pipeline [-- --iterations N]`: what a search costs next to the bare floor, libjpeg-turbo's decode plus the networks alone.
 *
 * The floor (`bench/native/floor.cc`) runs before and after, so that a machine that speeds up or slows down shows. It is
 * the floor of the networks that the service runs, which are prepared; that of the original ones is printed besides.
 */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createExecutor, type PipelineOptions } from '../src/native.ts';
import { createLog } from '../src/ops/log.ts';
import { type Preparation, prepareNetworks } from '../src/vision/graph/prepare.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { Recognizer } from '../src/vision/recognizer.ts';
import { ROOT } from '../test/e2e/service.ts';
import { report } from './report.ts';
import { type Body, bodiesOf, sample, startSearchService } from './search-service.ts';

const CLIENTS = 16;
const FLOOR_STEPS = ['decode', 'detect', 'landmarks', 'embed', 'total'] as const;
const STAGES = ['decode', 'detect', 'align', 'embed'] as const;

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}
type Floor = Readonly<Record<(typeof FLOOR_STEPS)[number], Quantiles>>;

const { values: options } = parseArgs({ options: { iterations: { type: 'string', default: '300' } } });
/** Of a line. */
const ITERATIONS = Number(options.iterations);
if (!Number.isInteger(ITERATIONS) || ITERATIONS < 1) {
  console.error('Usage: npm run bench:pipeline -- --iterations N');
  process.exit(64);
}

const service = await startSearchService(CLIENTS);
/** The service's own, which it has made by now. */
const preparation: Preparation = { folder: join(service.folder, 'prepared'), log: createLog('warn') };
const pack = await openModelPack('faceplugin');
try {
  await run();
} finally {
  await service.stop();
}

async function run(): Promise<void> {
  execFileSync('cmake', ['--build', 'build', '--target', 'visage_floor'], { cwd: ROOT, stdio: 'ignore' });
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  console.log(`machine       ${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`);
  console.log(`visage        ${version}, model pack faceplugin, ${ITERATIONS} iterations a line\n`);

  await measure('640 x 480', await picture(640, 480), true);
  await measure('4000 x 3000', await picture(4000, 3000), false);
}

async function measure(title: string, jpeg: Buffer, throughput: boolean): Promise<void> {
  const file = join(service.folder, `${title.replaceAll(' ', '')}.jpg`);
  await writeFile(file, jpeg);
  console.log(
    `${title} JPEG, ${Math.round(jpeg.length / 1024)} KB`.padEnd(44),
    '   p50 ms   p99 ms   x floor',
  );

  const originalBefore = floorOf(file, pack.pipeline);
  const prepared = await preparedNetworks();
  const before = floorOf(file, prepared);
  const stages = await stagesOf(jpeg);
  const requests: [string, Quantiles][] = [];
  for (const body of bodiesOf(jpeg)) {
    requests.push([`request, one client, ${body.name}`, quantiles(await timesOf(body, 1, ITERATIONS))]);
  }
  const began = performance.now();
  if (throughput) await timesOf(bodiesOf(jpeg)[0], CLIENTS, 4 * ITERATIONS);
  const seconds = (performance.now() - began) / 1000;
  const after = floorOf(file, prepared);
  const originalAfter = floorOf(file, pack.pipeline);

  const floor = (before.total.p50 + after.total.p50) / 2;
  const mean = (first: Floor, last: Floor, step: keyof Floor): Quantiles => ({
    p50: (first[step].p50 + last[step].p50) / 2,
    p99: last[step].p99,
  });
  for (const step of ['embed', 'total'] as const) {
    line(`floor, original networks: ${step}`, mean(originalBefore, originalAfter, step), floor);
  }
  for (const step of FLOOR_STEPS) line(`floor: ${step}`, mean(before, after, step), floor);
  for (const [name, times] of stages) line(`pipeline: ${name}`, times, floor);
  for (const [name, times] of requests) line(name, times, floor);
  reportRequests(title, requests, floor, throughput ? 'at most 1.10 x + 1 ms' : 'at most 1.3 x');
  if (throughput) {
    const rate = (4 * ITERATIONS) / seconds;
    const limit = (1000 * availableParallelism()) / floor;
    report({
      claim: `${title} JPEG over HTTP, ${CLIENTS} clients`,
      value: rate,
      unit: 'requests/s',
      against: { name: 'cores / floor', value: limit },
      ratio: rate / limit,
      aim: 'at least 0.92',
    });
    report({
      claim: 'floor, prepared networks',
      value: floor,
      unit: 'ms',
      against: { name: 'of the original networks', value: mean(originalBefore, originalAfter, 'total').p50 },
      ratio: floor / mean(originalBefore, originalAfter, 'total').p50,
    });
    console.log(
      `requests a second, ${CLIENTS} clients`.padEnd(44),
      `${rate.toFixed(1)}, ${((100 * rate) / limit).toFixed(0)} % of cores divided by floor (${limit.toFixed(1)})`,
    );
  }
  console.log(
    `floor before and after: ${before.total.p50.toFixed(2)} and ${after.total.p50.toFixed(2)} ms\n`,
  );
}

/** The first way to send a picture against the floor, the others against the first. */
function reportRequests(
  title: string,
  requests: readonly [string, Quantiles][],
  floor: number,
  aim: string,
): void {
  const [first] = requests;
  if (!first) return;
  for (const [i, [name, { p50, p99 }]] of requests.entries()) {
    const against = i === 0 ? { name: 'floor', value: floor } : { name: first[0], value: first[1].p50 };
    report({
      claim: `${title} JPEG over HTTP: ${name}, p50`,
      value: p50,
      unit: 'ms',
      against,
      ratio: p50 / against.value,
      ...(i === 0 ? { aim } : {}),
      note: `p99 ${p99.toFixed(1)} ms`,
    });
  }
}

/** The networks as the service runs them. */
async function preparedNetworks(): Promise<PipelineOptions> {
  const executor = createExecutor({ threads: 1, maxQueue: 4 });
  try {
    return await prepareNetworks(pack, executor, preparation);
  } finally {
    await executor.close();
  }
}

function floorOf(file: string, { detector, landmarks, embedder }: PipelineOptions): Floor {
  const networks = [detector.file, landmarks.file, embedder.file];
  const out = execFileSync(join(ROOT, 'build/visage_floor'), [file, ...networks, String(ITERATIONS)]);
  return JSON.parse(out.toString()) as Floor;
}

/** The addon's own clock, one picture at a time on one thread, without HTTP. */
async function stagesOf(jpeg: Buffer): Promise<[string, Quantiles][]> {
  const executor = createExecutor({ threads: 1, maxQueue: 4 });
  const recognizer = await Recognizer.load(pack, executor, preparation);
  const times = new Map<string, number[]>([...STAGES, 'total'].map((stage) => [stage, []]));
  for (let i = -10; i < ITERATIONS; i++) {
    const { timings } = await recognizer.analyze(jpeg, 'binary');
    if (i < 0) continue;
    for (const stage of STAGES) times.get(stage)?.push(timings[stage]);
    times.get('total')?.push(STAGES.reduce((sum, stage) => sum + timings[stage], 0));
  }
  await executor.close();
  return Array.from(times, ([stage, values]) => [stage, quantiles(values)]);
}

/** A JPEG of quality 90 of the first sample photograph. */
function picture(width: number, height: number): Promise<Buffer> {
  return sample(1, width, height).jpeg({ quality: 90 }).toBuffer();
}

/** Milliseconds of each of `count` searches by `clients` clients that each wait for their answer. */
async function timesOf(body: Body, clients: number, count: number): Promise<number[]> {
  const times: number[] = [];
  let left = count + 2 * clients;
  const client = async () => {
    while (left-- > 0) {
      const began = performance.now();
      const status = await service.search(body);
      if (status !== 200) throw new Error(`A search with ${body.name} answered ${status}`);
      times.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return times.slice(2 * clients);
}

function quantiles(times: number[]): Quantiles {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
  return { p50: at(0.5), p99: at(0.99) };
}

function line(name: string, { p50, p99 }: Quantiles, floor: number): void {
  const columns = [
    p50.toFixed(2).padStart(9),
    p99.toFixed(2).padStart(8),
    (p50 / floor).toFixed(2).padStart(9),
  ];
  console.log(name.padEnd(44), columns.join(' '));
}
