/**
 * `npm run bench:pipeline`: what a search costs next to the bare floor, libjpeg-turbo's decode plus the networks alone.
 *
 * The floor (`bench/native/floor.cc`) runs before and after, so that a machine that speeds up or slows down shows. It is
 * the floor of the networks that the service runs, which are prepared, each run as many times as the pipeline runs it on
 * that picture. That of the original networks, of one run of each, and of a process for each core at once, which shows what
 * cores in use together take from each other, are printed besides.
 *
 * `npm run bench:pipeline -- --iterations N` for another number of each than 300.
 */
import { execFile, execFileSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { createExecutor } from '../src/native/executor.ts';
import type { PipelineOptions } from '../src/native/pipeline-options.ts';
import { createLog } from '../src/ops/log.ts';
import { type Preparation, prepareNetworks } from '../src/vision/graph/prepare.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { Recognizer } from '../src/vision/recognizer.ts';
import { ROOT } from '../test/e2e/service.ts';
import { report } from './report.ts';
import { type Body, bodiesOf, sample, startSearchService } from './search-service.ts';
import { stallOf, stallSettings } from './stalls.ts';

const CLIENTS = 16;
const CORES = availableParallelism();
const FLOOR_STEPS = ['decode', 'detect', 'landmarks', 'embed', 'total', 'once'] as const;
const STAGES = ['decode', 'detect', 'align', 'embed'] as const;

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}
/** How many times each network runs for a picture. */
interface Runs {
  readonly detect: number;
  readonly landmarks: number;
  readonly embed: number;
}
type Floor = Readonly<Record<(typeof FLOOR_STEPS)[number], Quantiles>>;

const { values: options } = parseArgs({ options: { iterations: { type: 'string', default: '300' } } });
/** Of a line. */
const ITERATIONS = Number(options.iterations);
if (!Number.isInteger(ITERATIONS) || ITERATIONS < 1) {
  console.error('Usage: npm run bench:pipeline -- --iterations N');
  process.exit(64);
}

const stallFile = join(tmpdir(), `visage-bench-stall-${process.pid}`);
const service = await startSearchService(stallSettings(stallFile));
/** The service's own, which it has made by now. */
const preparation: Preparation = { folder: join(service.folder, 'prepared'), log: createLog('warn') };
const pack = await openModelPack('faceplugin');
try {
  await run();
} finally {
  await service.stop();
  await rm(stallFile, { force: true });
}

async function run(): Promise<void> {
  execFileSync('cmake', ['--build', 'build', '--target', 'visage_floor'], { cwd: ROOT, stdio: 'ignore' });
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  console.log(`machine       ${cpus()[0]?.model}, ${CORES} cores, Node ${process.version}`);
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

  const { runs } = await stagesOf(jpeg, 1);
  const originalBefore = await floorOf(file, pack.pipeline, runs);
  const prepared = await preparedNetworks();
  const before = await floorOf(file, prepared, runs);
  const { stages } = await stagesOf(jpeg, ITERATIONS);
  const requests = await requestTimes(bodiesOf(jpeg));
  const togetherBefore = await floorOf(file, prepared, runs, CORES);
  const rate = throughput ? await rateOf(bodiesOf(jpeg)[0]) : null;
  const togetherAfter = await floorOf(file, prepared, runs, CORES);
  const after = await floorOf(file, prepared, runs);
  const originalAfter = await floorOf(file, pack.pipeline, runs);

  const floor = (before.total.p50 + after.total.p50) / 2;
  const mean = (first: Floor, last: Floor, step: keyof Floor): Quantiles => ({
    p50: (first[step].p50 + last[step].p50) / 2,
    p99: last[step].p99,
  });
  for (const step of ['embed', 'total'] as const) {
    line(`floor, original networks: ${step}`, mean(originalBefore, originalAfter, step), floor);
  }
  const names: Readonly<Record<string, string>> = {
    detect: `detect, ${runs.detect} x`,
    landmarks: `landmarks, ${runs.landmarks} x`,
    embed: `embed, ${runs.embed} x`,
    once: 'decode and each network once',
  };
  for (const step of FLOOR_STEPS) line(`floor: ${names[step] ?? step}`, mean(before, after, step), floor);
  const together = mean(togetherBefore, togetherAfter, 'total');
  line(`floor: total, ${CORES} processes at once`, together, floor);
  for (const { name, times } of stages) line(`pipeline: ${name}`, times, floor);
  for (const { name, times } of requests) line(`request, one client, ${name}`, times, floor);
  reportRequests(title, requests, floor, throughput ? 'at most 1.10 x + 1 ms' : 'at most 1.3 x');
  for (const { name, processor } of requests) {
    const [all, script] = processor.map((ms) => ms.toFixed(2).padStart(9));
    console.log(`processor time of the service, ${name}`.padEnd(44), `${all}, JavaScript ${script?.trim()}`);
  }
  if (rate !== null) {
    const limit = (1000 * CORES) / floor;
    const limitTogether = (1000 * CORES) / together.p50;
    for (const [name, value, of] of [
      ['cores / floor', limit, { aim: 'at least 0.92' }],
      ['cores / floor of all cores at once', limitTogether, { note: 'what the cores give together' }],
    ] as const) {
      report({
        claim: `${title} JPEG over HTTP, ${CLIENTS} clients`,
        value: rate.requests,
        unit: 'requests/s',
        against: { name, value },
        ratio: rate.requests / value,
        ...of,
      });
    }
    report({
      claim: 'floor, prepared networks',
      value: floor,
      unit: 'ms',
      against: { name: 'of the original networks', value: mean(originalBefore, originalAfter, 'total').p50 },
      ratio: floor / mean(originalBefore, originalAfter, 'total').p50,
    });
    console.log(
      `requests a second, ${CLIENTS} clients`.padEnd(44),
      `${rate.requests.toFixed(1)}, ${((100 * rate.requests) / limit).toFixed(0)} % of cores divided by floor (${limit.toFixed(1)})`,
    );
    console.log(
      '  the same, floor of all cores at once'.padEnd(44),
      `${((100 * rate.requests) / limitTogether).toFixed(0).padStart(9)} % (${limitTogether.toFixed(1)})`,
    );
    const [all, script, client] = rate.processor.map((ms) => ms.toFixed(2));
    console.log(
      `processor time of the service, ${CLIENTS} clients`.padEnd(44),
      `${all?.padStart(9)}, JavaScript ${script}; the clients themselves ${client}`,
    );
    console.log(
      `longest stall of the event loop, ${CLIENTS} clients`.padEnd(44),
      `${rate.stall.toFixed(1)} ms`,
    );
  }
  console.log(
    `floor before and after: ${before.total.p50.toFixed(2)} and ${after.total.p50.toFixed(2)} ms\n`,
  );
}

/** The first way to send a picture against the floor, the others against the first. */
function reportRequests(title: string, requests: readonly Measured[], floor: number, aim: string): void {
  const [first] = requests;
  if (!first) return;
  for (const [i, { name, times }] of requests.entries()) {
    const { p50, p99 } = times;
    const against = i === 0 ? { name: 'floor', value: floor } : { name: first.name, value: first.times.p50 };
    report({
      claim: `${title} JPEG over HTTP, one client, ${name}, p50`,
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

/** @param processes that run at the same time: medians are their mean's, the p99 the longest. */
async function floorOf(
  file: string,
  { detector, landmarks, embedder }: PipelineOptions,
  runs: Runs,
  processes = 1,
): Promise<Floor> {
  const networks = [
    `${detector.file}:${runs.detect}`,
    `${landmarks.file}:${runs.landmarks}`,
    `${embedder.file}:${runs.embed}`,
  ];
  const run = async () => {
    const { stdout } = await promisify(execFile)(join(ROOT, 'build/visage_floor'), [
      file,
      ...networks,
      String(ITERATIONS),
    ]);
    return JSON.parse(stdout) as Floor;
  };
  const floors = await Promise.all(Array.from({ length: processes }, run));
  const steps = FLOOR_STEPS.map((step) => {
    const p50 = floors.reduce((sum, floor) => sum + floor[step].p50, 0) / processes;
    return [step, { p50, p99: Math.max(...floors.map((floor) => floor[step].p99)) }] as const;
  });
  return Object.fromEntries(steps) as Floor;
}

interface Measured {
  readonly name: string;
  readonly times: Quantiles;
}

/** The addon's own clock, one picture at a time, without HTTP: on one thread, and on all of them. */
async function stagesOf(jpeg: Buffer, iterations: number): Promise<{ stages: Measured[]; runs: Runs }> {
  const times = new Map<string, number[]>();
  let looks = 0;
  for (const threads of [1, CORES]) {
    const executor = createExecutor({ threads, maxQueue: 4 });
    const recognizer = await Recognizer.load(pack, executor, preparation);
    const shown = threads === 1 ? [...STAGES, 'total'] : [`total, ${threads} threads`];
    for (const name of shown) times.set(name, []);
    for (let i = -10; i < iterations; i++) {
      const analysis = await recognizer.analyze(jpeg, 'binary', { largestOnly: true });
      const total = STAGES.reduce((sum, stage) => sum + analysis.timings[stage], 0);
      looks = analysis.looks;
      if (i < 0) continue;
      for (const name of shown) times.get(name)?.push(analysis.timings[name as 'decode'] ?? total);
    }
    await executor.close();
  }
  const { landmarks, embedder } = pack.pipeline;
  const runs = {
    detect: looks,
    landmarks: landmarks.secondLook ? 3 : 1,
    embed: embedder.views?.length ?? 1,
  };
  return { stages: Array.from(times, ([name, values]) => ({ name, times: quantiles(values) })), runs };
}

/** A JPEG of quality 90 of the first sample photograph. */
function picture(width: number, height: number): Promise<Buffer> {
  return sample(1, width, height).jpeg({ quality: 90 }).toBuffer();
}

async function search(body: Body): Promise<void> {
  const status = await service.search(body);
  if (status !== 200) throw new Error(`A search with ${body.name} answered ${status}`);
}

/** One client, the bodies by turns: milliseconds, and processor time of the service and of its JavaScript thread. */
async function requestTimes(
  bodies: readonly Body[],
): Promise<(Measured & { readonly processor: [all: number, script: number] })[]> {
  const times = bodies.map((): number[] => []);
  const used = bodies.map((): [number, number] => [0, 0]);
  for (let i = -10; i < ITERATIONS; i++) {
    for (const [n, body] of bodies.entries()) {
      const before = await processorTime();
      const began = performance.now();
      await search(body);
      const passed = performance.now() - began;
      // What follows an answer, such as its line in the log, belongs to it.
      await setTimeout(2);
      const after = await processorTime();
      if (i < 0) continue;
      times[n]?.push(passed);
      for (const kind of [0, 1] as const) (used[n] as [number, number])[kind] += after[kind] - before[kind];
    }
  }
  return bodies.map(({ name }, n) => ({
    name,
    times: quantiles(times[n] as number[]),
    processor: used[n]?.map((ms) => ms / ITERATIONS) as [number, number],
  }));
}

/** Milliseconds of processor time that the service has used, all of it and on its JavaScript thread. */
async function processorTime(): Promise<[all: number, script: number]> {
  const tasks = `/proc/${service.child.process.pid}/task`;
  let all = 0;
  let script = 0;
  for (const task of await readdir(tasks)) {
    const ms = Number((await readFile(`${tasks}/${task}/schedstat`, 'utf8')).split(' ')[0]) / 1e6;
    all += ms;
    if (task === String(service.child.process.pid)) script = ms;
  }
  return [all, script];
}

/**
 * Searches a second by all clients, the longest time for which the event loop did not turn meanwhile, and milliseconds of
 * processor time a search: of the service, of its JavaScript thread, and of this process, which is the clients.
 */
async function rateOf(
  body: Body,
): Promise<{ requests: number; stall: number; processor: [all: number, script: number, clients: number] }> {
  let left = 2 * CLIENTS;
  const client = async () => {
    while (left-- > 0) await search(body);
  };
  const clients = () => Promise.all(Array.from({ length: CLIENTS }, client));
  await clients();
  await stallOf(service.child.process, stallFile);
  left = 4 * ITERATIONS;
  const [allBefore, scriptBefore] = await processorTime();
  const ownBefore = process.cpuUsage();
  const began = performance.now();
  await clients();
  const seconds = (performance.now() - began) / 1000;
  const own = process.cpuUsage(ownBefore);
  const [all, script] = await processorTime();
  const each = (ms: number) => ms / (4 * ITERATIONS);
  return {
    requests: (4 * ITERATIONS) / seconds,
    stall: await stallOf(service.child.process, stallFile),
    processor: [each(all - allBefore), each(script - scriptBefore), each((own.user + own.system) / 1000)],
  };
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
