/**
 * `npm run bench:networks`: compares the cost of each network and its prepared variants with the core's peak;
 * also batches, two threads and 8-bit integers.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { runtimeVersion } from '../src/native/networks.ts';
import { fuseSubgraph } from '../src/vision/graph/fused-subgraph.ts';
import { splitPRelus } from '../src/vision/graph/prelu.ts';
import { REWRITES } from '../src/vision/graph/prepare.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { ROOT } from '../testing/service.ts';
import { chain, chainOfBytes, withBatch } from './network-variants.ts';
import { report } from './report.ts';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '150' } } });
const ROUNDS = Number(options.rounds);
const PROFILED = 30;
const BATCHES = [1, 2, 4, 8];
const CHAIN = { convolutions: 8, channels: 256, side: 14 } as const;

interface Measured {
  readonly peak: { readonly floats: number; readonly integers: number };
  readonly ms: readonly (readonly [number, number])[];
  readonly profile: string;
}

interface Event {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args: {
    readonly op_name: string;
    readonly input_type_shape: readonly Record<string, number[]>[];
    readonly output_type_shape: readonly Record<string, number[]>[];
  };
}

const folder = await mkdtemp(join(tmpdir(), 'visage-bench-'));
try {
  await run();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function run(): Promise<void> {
  execFileSync('cmake', ['--build', 'build', '--target', 'visage_networks'], { cwd: ROOT, stdio: 'ignore' });
  const pack = await openModelPack('yunet');
  const other = await openModelPack('faceplugin');
  const { embedder } = pack.pipeline;
  const { peak } = measure([embedder.file], { rounds: 5 });
  console.log(`machine  ${cpus()[0]?.model}, ONNX Runtime ${runtimeVersion()}, one thread`);
  console.log(
    `one core multiplies and adds at most ${peak.floats.toFixed(1)} billion floats a second, ` +
      `${peak.integers.toFixed(1)} billion integers of 16 bits\n`,
  );
  const files = [
    ...new Set([...Object.values(pack.pipeline).flat(), other.pipeline.detector].map(({ file }) => file)),
  ];

  line('network', ['million', 'as it is', 'PReLU', 'segment', 'best', 'share of']);
  line('', ['products', 'ms', 'split, ms', 'ms', 'x original', 'peak']);
  for (const file of files) await measureNetwork(file, peak.floats);

  console.log('\noperators of the embedder as it is, and where its PReLU are split');
  await printOperators(embedder.file);
  await printOperators(await put('split', splitPRelus(await readFile(embedder.file)).model));

  console.log('');
  line('embedder, ms a picture', ['as it is', 'PReLU', 'segment']);
  for (const batch of BATCHES) await measureBatch(embedder.file, batch, 1);
  for (const batch of [1, 2]) await measureBatch(embedder.file, batch, 2);

  const { convolutions, channels, side } = CHAIN;
  const models = [chain(CHAIN), chainOfBytes(CHAIN), fuseSubgraph(chain(CHAIN))];
  const variants = await Promise.all(models.map((model, i) => put(`chain-${i}`, model)));
  const [floats, bytes, segment] = least(measure(variants)) as [number, number, number];
  console.log(
    `\n${convolutions} convolutions, 1 x 1, ${channels} to ${channels} channels, ${side} x ${side} places`,
  );
  line('', ['ms', 'x floats']);
  line('ONNX Runtime, floats', [floats, 1]);
  line('ONNX Runtime, integers of 8 bits (QLinearConv)', [bytes, bytes / floats]);
  line('segment, integers of 16 bits but for the first', [segment, segment / floats]);
}

async function measureNetwork(file: string, peak: number): Promise<void> {
  const name = basename(file, '.onnx');
  const original = await readFile(file);
  const ways = [REWRITES.prelu.rewrite, REWRITES.fused.rewrite];
  const made = await Promise.all(
    ways.map(async (way, i) => {
      const model = way(original);
      return model === original ? undefined : put(`${name}-${i}`, model);
    }),
  );
  const times = least(measure([file, ...made.filter((each) => each !== undefined)]));
  const [asItIs = Number.NaN] = times;
  let place = 1;
  const [split, segment] = made.map((each) => (each ? times[place++] : undefined));
  const best = Math.min(...times);
  const products = (await profileOf(file)).reduce((sum, event) => sum + productsOf(event), 0);
  const share = products / (best * 1e6) / peak;
  line(name, [
    (products / 1e6).toFixed(1),
    asItIs,
    split ?? '-',
    segment ?? '-',
    best / asItIs,
    `${(100 * share).toFixed(0)} %`,
  ]);
  report({
    claim: `${name}, one run, the fastest way`,
    value: best,
    unit: 'ms',
    against: { name: 'as it is', value: asItIs },
    ratio: best / asItIs,
    note: `${(100 * share).toFixed(0)} % of the core's peak of floats`,
  });
}

async function measureBatch(file: string, batch: number, threads: number): Promise<void> {
  const original = withBatch(await readFile(file), batch);
  const models = [original, splitPRelus(original).model, fuseSubgraph(original)];
  const files = await Promise.all(models.map((model, i) => put(`batch-${batch}-${i}`, model)));
  const times = least(measure(files, { rounds: Math.ceil((2 * ROUNDS) / batch), threads }));
  line(
    `${batch} in a run, ${threads === 1 ? 'one thread' : `${threads} threads`}`,
    times.map((ms) => ms / batch),
  );
}

async function printOperators(file: string): Promise<void> {
  const kinds = new Map<string, { count: number; microseconds: number; products: number }>();
  for (const event of await profileOf(file)) {
    const kind = kindOf(event);
    const sum = kinds.get(kind) ?? { count: 0, microseconds: 0, products: 0 };
    sum.count += 1;
    sum.microseconds += event.dur;
    sum.products += productsOf(event);
    kinds.set(kind, sum);
  }
  line('', ['count', 'ms', 'products, 1e9/s']);
  const sorted = [...kinds].sort(([, a], [, b]) => b.microseconds - a.microseconds);
  for (const [kind, { count, microseconds, products }] of sorted.slice(0, 7)) {
    line(`  ${kind}`, [`${count}`, microseconds / 1000, products > 0 ? products / microseconds / 1e3 : '-']);
  }
}

async function profileOf(file: string): Promise<Event[]> {
  const { profile } = measure([file], { rounds: PROFILED, profile: join(folder, 'profile') });
  const events = (JSON.parse(await readFile(profile, 'utf8')) as Event[]).filter(
    ({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'),
  );
  const leastOf = new Map<string, Event>();
  for (const event of events) {
    const before = leastOf.get(event.name);
    if (!before || event.dur < before.dur) leastOf.set(event.name, event);
  }
  return [...leastOf.values()];
}

function shapesOf({ args }: Event): { weights: number[]; output: number[] } {
  return {
    weights: Object.values(args.input_type_shape[1] ?? {})[0] ?? [],
    output: Object.values(args.output_type_shape[0] ?? {})[0] ?? [],
  };
}

function productsOf(event: Event): number {
  if (!/Conv/.test(event.args.op_name)) return 0;
  const { weights, output } = shapesOf(event);
  const of = (sizes: readonly number[]) => sizes.reduce((product, size) => product * size, 1);
  return of(weights) * of(output.slice(2)) * (output[0] ?? 1);
}

function kindOf(event: Event): string {
  if (!/Conv/.test(event.args.op_name)) return event.args.op_name;
  const { weights } = shapesOf(event);
  const isDepthwise = weights[1] === 1 && weights[0] !== 1;
  return `Conv ${weights.slice(2).join(' x ')}${isDepthwise ? ', depthwise' : ''}`;
}

async function put(name: string, model: Uint8Array): Promise<string> {
  const file = join(folder, `${name}.onnx`);
  await writeFile(file, model);
  return file;
}

function measure(
  files: readonly string[],
  {
    rounds = ROUNDS,
    threads = 1,
    profile = '-',
  }: { rounds?: number; threads?: number; profile?: string } = {},
): Measured {
  const args = [String(rounds), String(threads), profile, ...files];
  return JSON.parse(execFileSync(join(ROOT, 'build/visage_networks'), args).toString()) as Measured;
}

function least({ ms }: Measured): number[] {
  return ms.map(([time]) => time);
}

function line(name: string, cells: readonly (string | number)[]): void {
  const texts = cells.map((cell) => (typeof cell === 'number' ? cell.toFixed(2) : cell));
  console.log(name.padEnd(48) + texts.map((text) => text.padStart(11)).join(''));
}
