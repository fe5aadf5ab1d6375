/**
 * `npm run bench:search -- [--faces FOLDER] [--sizes 10000,100000,1000000] [--all] [--ours] [--probes N]`: search next to `usearch`,
 * `hnswlib-node` and FAISS's own graph, at equal recall, with data that lies as faces do (`face-like.ts`).
 *
 * Every engine gets the least effort with which it finds the exact nearest of so many probes, then all of them are asked
 * the same probes in turns, one at a time on one thread; beside them Visage with the effort that the service gives every
 * search. At a million the peers, which then build for an hour, are left out without `--all`; `--ours` leaves them out
 * altogether. Holds all vectors: 2 GB at a million, beside the indexes. A peer that fails is left out, with a line that says so.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { innerProduct } from '../src/vision/impostors.ts';
import { ROOT } from '../testing/service.ts';
import { type Engine, hnswlib, ours, oursExactly, usearch } from './engines.ts';
import { FaceLike, openFaceBase } from './face-like.ts';
import { faiss } from './faiss.ts';
import { collectGarbage } from './garbage.ts';
import { faissProgram, peerRequire, versionOf } from './peer-packages.ts';
import { type ReportLine, report, reportPoint, reportVersions } from './report.ts';

const RECALLS = [0.99, 0.999] as const;
/** Probes that are timed at most. */
const TIMED = 1000;
/** Scores that are as near as this are the same: float's own rounding. */
const TIE = 1e-6;
/** Sizes from which on the peers take long to build. */
const LONG = 500_000;
/** Steps of effort without a gain after which more is not tried. */
const PLATEAU = 3;
/** Floats that are handed to the brute force at once. */
const CHUNK = 1 << 20;
/** Letters of a column. */
const COLUMN = 15;

/** What building one took, in seconds and bytes a face. */
interface Built {
  readonly engine: Engine;
  /** By effort, as far as it was counted. */
  readonly recalls: Map<number, number>;
  /** Until every row is found. */
  readonly ready: number;
  /** Until searches are as fast as they will be. */
  readonly wall: number;
  /** Processor time of the program itself, all threads together. */
  readonly user: number;
  /** That the process grew by. */
  readonly grown: number;
  /** That the engine says it takes. */
  readonly own: number;
}

/** An effort, 0 where there is nothing to choose, and the recall with it. */
interface Reached {
  readonly effort: number;
  readonly recall: number;
}

/** How one engine answered, in milliseconds. */
interface Asked extends Reached {
  readonly name: string;
  readonly isPeer: boolean;
  readonly isServed: boolean;
  readonly p50: number;
  readonly p99: number;
}

const { values: options } = parseArgs({
  options: {
    faces: { type: 'string' },
    sizes: { type: 'string', default: '10000,100000,1000000' },
    all: { type: 'boolean', default: false },
    ours: { type: 'boolean', default: false },
    /** That recall is counted on. */
    probes: { type: 'string', default: '2000' },
  },
});
const sizes = options.sizes.split(',').map(Number);
const PROBES = Number(options.probes);
if ([...sizes, PROBES].some((count) => !Number.isInteger(count) || count < 1)) {
  console.error(
    'Usage: npm run bench:search -- [--faces FOLDER] [--sizes 10000,100000] [--all] [--ours] [--probes N]',
  );
  process.exit(64);
}

const base = await openFaceBase(options.faces);
const { dimension } = base;
console.log(`machine       ${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`);
console.log(`data          copies around ${base.source}`);
console.log(`probes        ${PROBES}, of them ${Math.min(TIMED, PROBES)} timed\n`);
const peers = options.ours ? undefined : peerRequire();
const faissGraph = options.ours ? '' : faissProgram();
if (peers) {
  for (const name of ['usearch', 'hnswlib-node']) reportVersions({ [name]: versionOf(peers, name) });
}
const probes = new FaceLike(base, 2).take(PROBES);
for (const size of sizes) await measure(size);

function enginesFor(size: number): Engine[] {
  const own = [ours(), oursExactly()];
  if (!peers) return own;
  if (size >= LONG && !options.all) return own;
  return [...own, usearch(peers, 'f16'), usearch(peers, 'i8'), hnswlib(peers), faiss(faissGraph)];
}

async function measure(size: number): Promise<void> {
  const name = `${size.toLocaleString('en')} faces`;
  const rows = new FaceLike(base, 1).take(size);
  const truth = await nearestByBruteForce(rows);
  const built: Built[] = [];
  for (const engine of enginesFor(size)) {
    const one = await unlessItFails(name, engine, () => build(engine, rows));
    if (one) built.push(one);
    console.error(`${name}: ${engine.name} ${one ? `built in ${one.wall.toFixed(1)} s` : 'failed'}`);
  }
  console.log(`${name.padEnd(28)}${built.map(({ engine }) => engine.name.padStart(COLUMN)).join('')}`);
  print('build, s', built, ({ wall }) => wall.toFixed(2));
  print('found after, s', built, ({ ready }) => ready.toFixed(2));
  print('build, processor s', built, ({ user }) => user.toFixed(2));
  print('build, threads', built, ({ engine }) => String(engine.threads));
  print('bytes a face, own account', built, ({ own }) => own.toFixed(0));
  print('bytes a face, grown by', built, ({ grown }) => grown.toFixed(0));
  reportBuild(name, built);
  for (const wanted of RECALLS) {
    const asked = await ask(name, built, wanted, rows, truth);
    console.log(`  recall@1 of at least ${wanted}`);
    print('  engine', asked, (one) => one.name);
    print('  recall', asked, ({ recall }) => recall.toFixed(4));
    print('  ef', asked, ({ effort }) => (effort > 0 ? String(effort) : '-'));
    print('  p50, ms', asked, ({ p50 }) => p50.toFixed(3));
    print('  p99, ms', asked, ({ p99 }) => p99.toFixed(3));
    reportSearch(name, size, wanted, asked);
  }
  for (const { engine } of built) await engine.close();
  console.log();
}

function print<T>(what: string, columns: readonly T[], text: (column: T) => string): void {
  console.log(`  ${what.padEnd(26)}${columns.map((column) => text(column).padStart(COLUMN)).join('')}`);
}

async function build(engine: Engine, rows: Float32Array): Promise<Built> {
  const count = rows.length / dimension;
  await collectGarbage();
  const memory = ownMemory();
  const processor = process.cpuUsage();
  const began = performance.now();
  await engine.build(rows, dimension);
  const ready = (performance.now() - began) / 1000;
  const wall = (await engine.finish()) ? (performance.now() - began) / 1000 : ready;
  const user = process.cpuUsage(processor).user / 1e6;
  await collectGarbage();
  const grown = (ownMemory() - memory) / count;
  const own = (await engine.ownBytes()) / count;
  const built = { engine, recalls: new Map(), ready, wall, user, grown, own };
  const outside = engine.outside?.();
  if (!outside) return built;
  return {
    ...built,
    ready: outside.wall,
    wall: outside.wall,
    user: outside.user,
    grown: outside.grown / count,
  };
}

/** Brings every engine to a recall, then asks them the same probes in turns. */
async function ask(
  name: string,
  built: readonly Built[],
  wanted: number,
  rows: Float32Array,
  truth: readonly number[],
): Promise<Asked[]> {
  const asked: { readonly engine: Engine; readonly at: Reached; readonly times: number[] }[] = [];
  for (const one of built.flatMap((each) => [each, ...servedOf(each)])) {
    const at = await unlessItFails(name, one.engine, () => reach(one, wanted, rows, truth));
    if (at) asked.push({ engine: one.engine, at, times: [] });
  }
  const timed = Math.min(TIMED, PROBES);
  for (let i = 0; i < timed; i++) {
    for (let turn = 0; turn < asked.length; turn++) {
      // Every second time the other way round, so that nobody always comes after the same one.
      const which = (i + (i % 2 === 0 ? turn : asked.length - turn)) % asked.length;
      const { engine, times } = asked[which] as (typeof asked)[number];
      // Each its own of the probes: two that share an index do not find each other's rows in the caches.
      const probe = rowOf(probes, (i + Math.floor((which * timed) / asked.length)) % timed);
      const began = performance.now();
      await engine.nearest(probe);
      times.push(engine.outside?.().searchMs ?? performance.now() - began);
    }
  }
  return asked.map(({ engine, at, times }) => {
    const sorted = times.toSorted((a, b) => a - b);
    const quantile = (share: number) => sorted[Math.floor(share * sorted.length)] as number;
    const { name, isPeer, served } = engine;
    return {
      ...at,
      name,
      isPeer,
      isServed: engine.nearest === served,
      p50: quantile(0.5),
      p99: quantile(0.99),
    };
  });
}

/** The same index with the effort that the product gives a search, which is not chosen by recall. */
function servedOf({ engine, ...built }: Built): Built[] {
  const { served } = engine;
  if (!served) return [];
  const efforts = [0];
  const own = {
    ...engine,
    name: `${engine.name}, served`,
    efforts,
    exert: async () => {},
    nearest: served,
  };
  return [{ ...built, recalls: new Map(), engine: own }];
}

/** @returns undefined, and says so in the table, where an engine fails: the others are measured without it. */
async function unlessItFails<T>(
  name: string,
  engine: Engine,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    report({ claim: `${name}: ${engine.name}`, value: Number.NaN, unit: '', note: `failed: ${why}` });
    return undefined;
  }
}

/** Puts the least effort in force with which enough of the probes find their nearest, or from which on no more do. */
async function reach(
  { engine, recalls }: Built,
  wanted: number,
  rows: Float32Array,
  truth: readonly number[],
): Promise<Reached> {
  const tried: Reached[] = [];
  for (const effort of engine.efforts) {
    const recall = recalls.get(effort) ?? (await recallOf(engine, effort, rows, truth));
    recalls.set(effort, recall);
    const before = tried.at(-PLATEAU);
    // What costs more and finds no more is not worth it.
    if (before && recall < wanted && recall - before.recall < 1 / truth.length) {
      tried.push(before);
      break;
    }
    tried.push({ effort, recall });
    if (recall >= wanted) break;
  }
  const chosen = tried.at(-1) ?? { effort: 0, recall: 0 };
  await engine.exert(chosen.effort);
  return chosen;
}

/** Share of the probes for which an engine's answer is the nearest. */
async function recallOf(
  engine: Engine,
  effort: number,
  rows: Float32Array,
  truth: readonly number[],
): Promise<number> {
  await engine.exert(effort);
  let found = 0;
  for (const [i, nearest] of truth.entries()) {
    const probe = rowOf(probes, i);
    const answer = await engine.nearest(probe);
    const least = innerProduct(probe, rowOf(rows, nearest)) - TIE;
    if (answer === nearest || innerProduct(probe, rowOf(rows, answer)) >= least) found++;
  }
  return found / truth.length;
}

/** Ours against the fastest of the peers, which follow. */
function reportBuild(name: string, built: readonly Built[]): void {
  const fastest = built.filter(({ engine }) => engine.isPeer).toSorted((a, b) => a.wall - b.wall)[0];
  for (const [i, { engine, ready, wall, user }] of built.entries()) {
    report({
      claim: `${name}, build: ${engine.name}`,
      value: wall,
      unit: 's',
      ...(i === 0 && fastest ? compared(wall, fastest.engine.name, fastest.wall) : {}),
      note: `${user.toFixed(2)} s of processor time, ${engine.threads} thread${engine.threads > 1 ? 's' : ''}; found after ${ready.toFixed(2)} s`,
    });
  }
  for (const { engine, grown, own } of built) {
    report({
      claim: `${name}, memory: ${engine.name}`,
      value: own,
      unit: 'bytes a face',
      note: `the process grew by ${grown.toFixed(0)}`,
    });
  }
}

function reportSearch(name: string, size: number, wanted: number, asked: readonly Asked[]): void {
  const best = asked
    .filter(({ isPeer, recall }) => isPeer && recall >= wanted)
    .toSorted((a, b) => a.p50 - b.p50)[0];
  for (const { name: engine, isPeer, isServed, effort, recall, p50, p99 } of asked) {
    const how = effort > 0 ? ` with ef ${effort}` : '';
    const short = recall < wanted ? ', and no more' : '';
    report({
      claim: `${name}, recall@1 ${wanted}: ${engine}, p50`,
      value: p50,
      unit: 'ms',
      ...(best && !isPeer && recall >= wanted ? compared(p50, best.name, best.p50) : {}),
      note: `p99 ${p99.toFixed(2)} ms, recall ${recall.toFixed(4)}${how}${short}`,
    });
    // What is served has an effort of its own, and is no point of a curve at equal recall.
    if (recall >= wanted && !isServed)
      reportPoint({ plot: `gallery, recall ${wanted}`, line: engine, x: size, y: p50 });
  }
}

function compared(value: number, name: string, other: number): Pick<ReportLine, 'against' | 'ratio' | 'aim'> {
  return { against: { name, value: other }, ratio: value / other, aim: 'at most 1 x the best peer' };
}

/** Row number of the nearest to each probe, by the program that compares them all. */
async function nearestByBruteForce(rows: Float32Array): Promise<number[]> {
  execFileSync('cmake', ['--build', 'build', '--target', 'visage_nearest'], { cwd: ROOT, stdio: 'ignore' });
  const child = spawn(join(ROOT, 'build/visage_nearest'), [String(dimension), String(PROBES)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answer = buffer(child.stdout);
  for (const vectors of [probes, rows]) {
    for (let at = 0; at < vectors.length; at += CHUNK) {
      const part = vectors.subarray(at, at + CHUNK);
      if (!child.stdin.write(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))) {
        await once(child.stdin, 'drain');
      }
    }
  }
  child.stdin.end();
  const pairs = await answer;
  if (pairs.length !== 8 * PROBES) throw new Error('visage_nearest did not answer for every probe');
  return Array.from({ length: PROBES }, (_, i) => pairs.readUInt32LE(8 * i));
}

function rowOf(vectors: Float32Array, row: number): Float32Array {
  return vectors.subarray(row * dimension, (row + 1) * dimension);
}

/** Bytes of memory that are the process's own (proc(5), `RssAnon`). */
function ownMemory(): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}
