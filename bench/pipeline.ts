/**
 * `npm run bench:pipeline [-- --iterations N]`: compares a search with its floor, libjpeg-turbo's decode plus
 * the networks (`bench/native/floor.cc`).
 */
import { execFile, execFileSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { createExecutor, type Executor } from '../src/native/executor.ts';
import type { Analysis } from '../src/native/pipeline.ts';
import type { PipelineOptions } from '../src/native/pipeline-options.ts';
import { createLog } from '../src/ops/log.ts';
import { type Preparation, prepareNetworks } from '../src/vision/graph/prepare.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { Recognizer } from '../src/vision/recognizer.ts';
import { ROOT } from '../testing/service.ts';
import { DEFAULT_PACK } from './as-served.ts';
import { report } from './report.ts';
import { type Body, bodiesOf, sample, startSearchService } from './search-service.ts';
import { stallOf, stallSettings } from './stalls.ts';

const CLIENTS = 16;
const ROUNDS = 8;
const CROWD = 8;
const CORES = availableParallelism();
const FLOOR_STEPS = ['decode', 'detect', 'landmarks', 'embed', 'total', 'once'] as const;
const STAGES = ['decode', 'detect', 'align', 'embed'] as const;

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}
interface Runs {
  readonly detect: number;
  readonly landmarks: number;
  readonly embed: number;
}
type Floor = Readonly<Record<(typeof FLOOR_STEPS)[number], Quantiles>>;

const { values: options } = parseArgs({ options: { iterations: { type: 'string', default: '300' } } });
const ITERATIONS = Number(options.iterations);
if (!Number.isInteger(ITERATIONS) || ITERATIONS < 1) {
  console.error('Usage: npm run bench:pipeline -- --iterations N');
  process.exit(64);
}
const SHARE = Math.ceil(ITERATIONS / ROUNDS);

const stallFile = join(tmpdir(), `visage-bench-stall-${process.pid}`);
const service = await startSearchService(stallSettings(stallFile));
const preparation: Preparation = { folder: join(service.folder, 'prepared'), log: createLog('warn') };
const pack = await openModelPack(DEFAULT_PACK);
async function run(): Promise<void> {
  execFileSync('cmake', ['--build', 'build', '--target', 'visage_floor'], { cwd: ROOT, stdio: 'ignore' });
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  console.log(`machine       ${cpus()[0]?.model}, ${CORES} cores, Node ${process.version}`);
  console.log(
    `visage        ${version}, model pack ${pack.name} ${pack.version}, ${ROUNDS * SHARE} iterations a line in ${ROUNDS} rounds\n`,
  );

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

  const bodies = bodiesOf(jpeg);
  const prepared = await preparedNetworks();
  const stages = [await Stages.open(1), await Stages.open(CORES)] as const;
  const asked = bodies.map((body): Asked => ({ body, times: [], processor: [0, 0] }));
  const rate = throughput ? new Rate() : null;
  const floors = { original: [] as Floor[], prepared: [] as Floor[], together: [] as Floor[] };
  const runs = runsOf();
  for (let round = 0; round < ROUNDS; round++) {
    floors.original.push(await floorOf(file, pack.pipeline, runs));
    floors.prepared.push(await floorOf(file, prepared, runs));
    for (const some of stages) await some.measure(jpeg);
    await askInTurns(asked);
    floors.together.push(await floorOf(file, prepared, runs, CORES));
    await rate?.measure(bodies[0]);
  }
  for (const some of stages) await some.close();

  const floor = meanOf(floors.prepared, 'total').p50;
  for (const step of ['embed', 'total'] as const) {
    line(`floor, original networks: ${step}`, meanOf(floors.original, step), floor);
  }
  const names: Readonly<Record<string, string>> = {
    detect: `detect, ${runs.detect} x`,
    landmarks: `landmarks, ${runs.landmarks} x`,
    embed: `embed, ${runs.embed} x`,
    once: 'decode and each network once',
  };
  for (const step of FLOOR_STEPS) line(`floor: ${names[step] ?? step}`, meanOf(floors.prepared, step), floor);
  const together = meanOf(floors.together, 'total');
  line(`floor: total, ${CORES} processes at once`, together, floor);
  for (const [name, times] of stages.flatMap(({ times }) => [...times]))
    line(`pipeline: ${name}`, quantiles(times), floor);
  for (const { body, times } of asked) line(`request, one client, ${body.name}`, quantiles(times), floor);
  reportRequests(title, asked, floor, throughput ? 'at most 1.10 x + 1 ms' : 'at most 1.3 x');
  for (const { body, processor } of asked) {
    const [all, script] = processor.map((ms) => (ms / (ROUNDS * SHARE)).toFixed(2).padStart(9));
    console.log(
      `processor time of the service, ${body.name}`.padEnd(44),
      `${all}, JavaScript ${script?.trim()}`,
    );
  }
  if (rate !== null) {
    const original = meanOf(floors.original, 'total').p50;
    reportRate(title, rate, { original, prepared: floor, together: together.p50 });
  }
  const rounds = floors.prepared.map(({ total }) => total.p50.toFixed(1)).join(' ');
  console.log(`floor in each of the rounds: ${rounds} ms\n`);
}

function reportRate(
  title: string,
  rate: Rate,
  floors: { readonly original: number; readonly prepared: number; readonly together: number },
): void {
  const limit = (1000 * CORES) / floors.prepared;
  const limitTogether = (1000 * CORES) / floors.together;
  for (const [name, value, of] of [
    ['cores / floor', limit, { aim: 'at least 0.92' }],
    ['cores / floor of all cores at once', limitTogether, { note: 'what the cores give together' }],
  ] as const) {
    report({
      claim: `${title} JPEG over HTTP, ${CLIENTS} clients`,
      value: rate.perSecond,
      unit: 'requests/s',
      against: { name, value },
      ratio: rate.perSecond / value,
      ...of,
    });
  }
  report({
    claim: 'floor, prepared networks',
    value: floors.prepared,
    unit: 'ms',
    against: { name: 'of the original networks', value: floors.original },
    ratio: floors.prepared / floors.original,
  });
  console.log(
    `requests a second, ${CLIENTS} clients`.padEnd(44),
    `${rate.perSecond.toFixed(1)}, ${((100 * rate.perSecond) / limit).toFixed(0)} % of cores divided by floor (${limit.toFixed(1)})`,
  );
  console.log(
    '  the same, floor of all cores at once'.padEnd(44),
    `${((100 * rate.perSecond) / limitTogether).toFixed(0).padStart(9)} % (${limitTogether.toFixed(1)})`,
  );
  const [all, script, client] = rate.processor.map((ms) => (ms / rate.searches).toFixed(2));
  console.log(
    `processor time of the service, ${CLIENTS} clients`.padEnd(44),
    `${all?.padStart(9)}, JavaScript ${script}; the clients themselves ${client}`,
  );
  console.log(
    `longest stall of the event loop, ${CLIENTS} clients`.padEnd(44),
    `${rate.stall.toFixed(1)} ms`,
  );
}

function reportRequests(title: string, asked: readonly Asked[], floor: number, aim: string): void {
  const [first] = asked;
  if (!first) return;
  for (const [i, { body, times }] of asked.entries()) {
    const { p50, p99 } = quantiles(times);
    const against =
      i === 0
        ? { name: 'floor', value: floor }
        : { name: first.body.name, value: quantiles(first.times).p50 };
    report({
      claim: `${title} JPEG over HTTP, one client, ${body.name}, p50`,
      value: p50,
      unit: 'ms',
      against,
      ratio: p50 / against.value,
      ...(i === 0 ? { aim } : {}),
      note: `p99 ${p99.toFixed(1)} ms`,
    });
  }
}

async function preparedNetworks(): Promise<PipelineOptions> {
  const executor = createExecutor({ threads: 1, maxQueue: 4 });
  try {
    return await prepareNetworks(pack, executor, preparation);
  } finally {
    await executor.close();
  }
}

/** @param processes at the same time: medians are their mean's, the p99 the longest. */
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
      String(SHARE),
    ]);
    return JSON.parse(stdout) as Floor;
  };
  const floors = await Promise.all(Array.from({ length: processes }, run));
  return Object.fromEntries(FLOOR_STEPS.map((step) => [step, meanOf(floors, step)])) as Floor;
}

function meanOf(floors: readonly Floor[], step: keyof Floor): Quantiles {
  const p50 = floors.reduce((sum, floor) => sum + floor[step].p50, 0) / floors.length;
  return { p50, p99: Math.max(...floors.map((floor) => floor[step].p99)) };
}

/** One look of the detector: further ones are of other sizes. */
function runsOf(): Runs {
  const { landmarks, embedder } = pack.pipeline;
  return { detect: 1, landmarks: landmarks.secondLook ? 3 : 1, embed: embedder.views?.length ?? 1 };
}

class Stages {
  readonly times: ReadonlyMap<string, number[]>;
  readonly #executor: Executor;
  readonly #recognizer: Recognizer;

  private constructor(threads: number, executor: Executor, recognizer: Recognizer) {
    const shown = threads === 1 ? [...STAGES, 'total'] : [`total, ${threads} threads`];
    this.times = new Map(shown.map((name) => [name, []]));
    this.#executor = executor;
    this.#recognizer = recognizer;
  }

  static async open(threads: number): Promise<Stages> {
    const executor = createExecutor({ threads, maxQueue: 4 });
    return new Stages(threads, executor, await Recognizer.load(pack, executor, preparation));
  }

  look(jpeg: Buffer): Promise<Analysis> {
    return this.#recognizer.analyze(jpeg, 'binary', { largestOnly: true });
  }

  async measure(jpeg: Buffer): Promise<void> {
    for (let i = -5; i < SHARE; i++) {
      const { timings } = await this.look(jpeg);
      if (i < 0) continue;
      const total = STAGES.reduce((sum, stage) => sum + timings[stage], 0);
      for (const [name, times] of this.times) times.push(timings[name as 'decode'] ?? total);
    }
  }

  close(): Promise<void> {
    return this.#executor.close();
  }
}

/** A JPEG of quality 90 of the first sample photograph. */
function picture(width: number, height: number): Promise<Buffer> {
  return sample(1, width, height).jpeg({ quality: 90 }).toBuffer();
}

async function search(body: Body): Promise<void> {
  const status = await service.search(body);
  if (status !== 200) throw new Error(`A search with ${body.name} answered ${status}`);
}

interface Asked {
  readonly body: Body;
  readonly times: number[];
  readonly processor: [all: number, script: number];
}

async function askInTurns(ways: readonly Asked[]): Promise<void> {
  for (let i = -5; i < SHARE; i++) {
    for (const { body, times, processor } of ways) {
      const before = await processorTime();
      const began = performance.now();
      await search(body);
      const passed = performance.now() - began;
      await setTimeout(2);
      const after = await processorTime();
      if (i < 0) continue;
      times.push(passed);
      for (const kind of [0, 1] as const) processor[kind] += after[kind] - before[kind];
    }
  }
}

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

class Rate {
  searches = 0;
  seconds = 0;
  stall = 0;
  readonly processor: [all: number, script: number, clients: number] = [0, 0, 0];

  get perSecond(): number {
    return this.searches / this.seconds;
  }

  async measure(body: Body): Promise<void> {
    let left = 2 * CLIENTS;
    const client = async () => {
      while (left-- > 0) await search(body);
    };
    const clients = () => Promise.all(Array.from({ length: CLIENTS }, client));
    await clients();
    await stallOf(service.child.process, stallFile);
    left = CROWD * SHARE;
    const [allBefore, scriptBefore] = await processorTime();
    const ownBefore = process.cpuUsage();
    const began = performance.now();
    await clients();
    this.seconds += (performance.now() - began) / 1000;
    const own = process.cpuUsage(ownBefore);
    const [all, script] = await processorTime();
    this.searches += CROWD * SHARE;
    this.stall = Math.max(this.stall, await stallOf(service.child.process, stallFile));
    this.processor[0] += all - allBefore;
    this.processor[1] += script - scriptBefore;
    this.processor[2] += (own.user + own.system) / 1000;
  }
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

try {
  await run();
} finally {
  await service.stop();
  await rm(stallFile, { force: true });
}
