/**
 * `npm run bench:search -- [--faces FOLDER] [--sizes 10000,...] [--galleries distinct,duplicates,families]
 * [--all] [--ours] [--disk] [--probes N]`: compares Visage with `usearch`, `hnswlib-node` and FAISS's HNSW at equal
 * recall.
 *
 * Recall counts probes whose exact nearest row is of their own person. Each peer gets the least effort that
 * reaches the recall, or the effort beyond which it gains nothing.
 *
 * `--sizes` are sizes of galleries of distinct people. Beyond a million, Visage searches alone. `--disk` adds
 * Visage with rows on disk.
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
import { Gallery, type GalleryShape, type Probes } from './distinct-people.ts';
import { type Engine, hnswlib, ours, oursExactly, oursOnDisk, usearch } from './engines.ts';
import { faiss } from './faiss.ts';
import { collectGarbage } from './garbage.ts';
import { faissProgram, peerRequire, versionOf } from './peer-packages.ts';
import { openPeopleBase } from './people-base.ts';
import { type ReportLine, report, reportPoint, reportVersions } from './report.ts';

interface Aim {
  readonly faces: number;
  readonly recall: number;
  readonly p50: number;
  readonly bytes: number;
}

const AIMS: readonly [Aim, ...Aim[]] = [
  { faces: 10_000, recall: 1, p50: 0.1, bytes: 500 },
  { faces: 100_000, recall: 0.9995, p50: 0.4, bytes: 400 },
  { faces: 1_000_000, recall: 0.9995, p50: 2.5, bytes: 400 },
  { faces: 10_000_000, recall: 0.999, p50: 10, bytes: 400 },
  { faces: 100_000_000, recall: 0.999, p50: 100, bytes: 80 },
];
const ADD_AIM = 20;
const LONG = 500_000;
const ALONE = 1_000_000;
const OTHERS: Readonly<Record<string, GalleryShape & { readonly name: string }>> = {
  duplicates: {
    name: '20,000 people, 60 of them 100 times',
    people: 20_000,
    copies: { people: 60, rows: 100 },
  },
  families: { name: '20,000 people in families of 5', people: 20_000, family: 5 },
};
const KINDS = ['distinct', ...Object.keys(OTHERS)];
const TIMED = 1000;
const TURN = 50;
const LEAST_COUNTED = 1000;
const TIE = 1e-6;
const PLATEAU = 3;
const BATCH = 10_000;
const COLUMN = 15;

interface Built {
  readonly engine: Engine;
  readonly wall: number;
  readonly processor: number;
  readonly grown: number;
  readonly own: number;
}

interface Question {
  readonly gallery: Gallery;
  readonly probes: readonly Float32Array[];
  readonly scores: readonly number[];
}

interface Reached {
  readonly effort: number;
  readonly recall: number;
}

interface Asked extends Reached {
  readonly name: string;
  readonly isPeer: boolean;
  readonly p50: number;
  readonly p99: number;
}

const { values: options } = parseArgs({
  options: {
    faces: { type: 'string' },
    sizes: { type: 'string', default: '10000,100000,1000000' },
    galleries: { type: 'string', default: KINDS.join() },
    all: { type: 'boolean', default: false },
    ours: { type: 'boolean', default: false },
    disk: { type: 'boolean', default: false },
    probes: { type: 'string', default: '5000' },
  },
});
const sizes = options.sizes.split(',').map(Number);
const kinds = options.galleries.split(',');
const PROBES = Number(options.probes);
if (
  [...sizes, PROBES].some((count) => !Number.isInteger(count) || count < 1) ||
  kinds.some((kind) => !KINDS.includes(kind))
) {
  console.error(
    `Usage: npm run bench:search -- [--faces FOLDER] [--sizes 10000,100000] [--galleries ${KINDS.join()}] [--all] [--ours] [--disk] [--probes N]`,
  );
  process.exit(64);
}

const base = await openPeopleBase(options.faces);
const { dimension } = base;
console.log(`machine       ${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`);
console.log(`people        made from ${base.source}`);
console.log(`probes        ${PROBES}, of them ${Math.min(TIMED, PROBES)} timed\n`);
const peers = options.ours ? undefined : peerRequire();
const faissGraph = options.ours ? '' : faissProgram();
if (peers) {
  for (const name of ['usearch', 'hnswlib-node']) reportVersions({ [name]: versionOf(peers, name) });
}
if (kinds.includes('distinct')) {
  for (const people of sizes) await measure(`${people.toLocaleString('en')} people`, { people }, people);
}
for (const [kind, { name, ...shape }] of Object.entries(OTHERS)) {
  if (kinds.includes(kind)) await measure(name, shape);
}

function enginesFor(rows: number): Engine[] {
  const stored = options.disk ? [oursOnDisk()] : [];
  if (rows > ALONE) return [ours(), ...stored];
  const own = [ours(), ...stored, oursExactly()];
  if (!peers || (rows >= LONG && !options.all)) return own;
  return [...own, usearch(peers, 'f16'), usearch(peers, 'i8'), hnswlib(peers), faiss(faissGraph)];
}

/** @param x place in the plots of growth. */
async function measure(name: string, shape: GalleryShape, x?: number): Promise<void> {
  const gallery = new Gallery(base, shape, 1);
  const aim = AIMS.find(({ faces }) => gallery.rows <= faces) ?? (AIMS.at(-1) as Aim);
  const question = await questionOf(gallery);
  const asked = question.probes.length;
  console.log(`${name}, ${asked} of ${PROBES} probes are nearest to a row of their own person`);
  const built: Built[] = [];
  for (const engine of enginesFor(gallery.rows)) {
    const one = await unlessItFails(name, engine, () => build(engine, gallery));
    if (one) built.push(one);
    console.error(`${name}: ${engine.name} ${one ? `built in ${one.wall.toFixed(1)} s` : 'failed'}`);
  }
  const found = await ask(name, built, aim.recall, question);
  print('', built, ({ engine }) => engine.name);
  print('build, s', built, ({ wall }) => wall.toFixed(2));
  print('build, threads', built, ({ engine }) => String(engine.threads));
  print('processor us a face', built, ({ processor }) => ((1e6 * processor) / gallery.rows).toFixed(1));
  print('bytes a face, own account', built, ({ own }) => own.toFixed(0));
  print('bytes a face, grown by', built, ({ grown }) => grown.toFixed(0));
  console.log(`  recall@1 of at least ${aim.recall}`);
  print('  engine', found, (one) => one.name);
  print('  recall', found, ({ recall }) => recall.toFixed(4));
  print('  ef', found, ({ effort }) => (effort > 0 ? String(effort) : '-'));
  print('  p50, ms', found, ({ p50 }) => p50.toFixed(3));
  print('  p99, ms', found, ({ p99 }) => p99.toFixed(3));
  console.log();
  reportBuild(name, aim, gallery.rows, built);
  reportSearch(name, aim, found, x);
  for (const { engine } of built) await engine.close();
}

function print<T>(label: string, columns: readonly T[], text: (column: T) => string): void {
  console.log(`  ${label.padEnd(26)}${columns.map((column) => text(column).padStart(COLUMN)).join('')}`);
}

async function build(engine: Engine, gallery: Gallery): Promise<Built> {
  await collectGarbage();
  const memory = ownMemory();
  let [wall, processor] = [0, 0];
  const timed = async (work: () => Promise<void> | void) => {
    const before = process.cpuUsage();
    const began = performance.now();
    await work();
    wall += (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(before);
    processor += (user + system) / 1e6;
  };
  await engine.open(dimension, gallery.rows);
  for (const { from, rows } of gallery.batches(BATCH)) await timed(() => engine.add(from, rows));
  await timed(() => engine.finish());
  await collectGarbage();
  const grown = ownMemory() - memory;
  const own = (await engine.ownBytes()) / gallery.rows;
  const measured = { wall, processor, grown, ...engine.outside?.() };
  return { engine, own, ...measured, grown: measured.grown / gallery.rows };
}

async function ask(
  name: string,
  built: readonly Built[],
  wanted: number,
  question: Question,
): Promise<Asked[]> {
  const asked: { readonly engine: Engine; readonly at: Reached; readonly times: number[] }[] = [];
  for (const { engine } of built) {
    const at = await unlessItFails(name, engine, () => reach(engine, wanted, question));
    if (at) asked.push({ engine, at, times: [] });
  }
  const timed = Math.min(TIMED, question.probes.length);
  for (let from = 0; from < timed; from += TURN) {
    for (const { engine, times } of asked) {
      for (const probe of question.probes.slice(from, Math.min(from + TURN, timed))) {
        const began = performance.now();
        await engine.nearest(probe);
        times.push(engine.outside?.().searchMs ?? performance.now() - began);
      }
    }
  }
  return asked.map(({ engine: { name, isPeer }, at, times }) => {
    const sorted = times.toSorted((a, b) => a - b);
    const quantile = (share: number) => sorted[Math.floor(share * sorted.length)] as number;
    return { ...at, name, isPeer, p50: quantile(0.5), p99: quantile(0.99) };
  });
}

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

async function reach(engine: Engine, wanted: number, question: Question): Promise<Reached> {
  const tried: Reached[] = [];
  for (const effort of engine.efforts) {
    await engine.exert(effort);
    const recall = await recallOf(engine, wanted, question);
    const before = tried.at(-PLATEAU);
    if (before && recall < wanted && recall - before.recall < 1 / question.probes.length) {
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

async function recallOf(engine: Engine, wanted: number, question: Question): Promise<number> {
  const { gallery, probes, scores } = question;
  const mayMiss = (1 - wanted) * probes.length;
  let [asked, missed] = [0, 0];
  for (const [i, probe] of probes.entries()) {
    const answer = await engine.nearest(probe);
    const score = innerProduct(probe, gallery.take(answer, 1));
    if (score < (scores[i] as number) - TIE) missed++;
    asked++;
    if (missed > mayMiss && asked >= LEAST_COUNTED) break;
  }
  return 1 - missed / asked;
}

function reportBuild(name: string, aim: Aim, rows: number, built: readonly Built[]): void {
  for (const { engine, wall, processor } of built) {
    report({
      claim: `${name}, adding one: ${engine.name}`,
      value: (1e6 * processor) / rows,
      unit: 'us of processor',
      ...(engine.isPeer ? {} : { aim: `at most ${ADD_AIM} us` }),
      note: `all in ${wall.toFixed(2)} s, ${engine.threads} thread${engine.threads > 1 ? 's' : ''}`,
    });
  }
  for (const { engine, grown, own } of built) {
    report({
      claim: `${name}, memory: ${engine.name}`,
      value: own,
      unit: 'bytes a face',
      ...(engine.isPeer ? {} : { aim: `at most ${aim.bytes} bytes` }),
      note: `the process grew by ${grown.toFixed(0)}`,
    });
  }
}

function reportSearch(name: string, aim: Aim, asked: readonly Asked[], x?: number): void {
  const best = asked
    .filter(({ isPeer, recall }) => isPeer && recall >= aim.recall)
    .toSorted((a, b) => a.p50 - b.p50)[0];
  for (const { name: engine, isPeer, effort, recall, p50, p99 } of asked) {
    const how = effort > 0 ? ` with ef ${effort}` : '';
    const short = recall < aim.recall ? ', and no more' : '';
    const against: Partial<ReportLine> =
      best && !isPeer ? { against: { name: best.name, value: best.p50 }, ratio: p50 / best.p50 } : {};
    report({
      claim: `${name}, recall@1 ${aim.recall}: ${engine}, p50`,
      value: p50,
      unit: 'ms',
      ...against,
      ...(isPeer ? {} : { aim: `at most ${aim.p50} ms` }),
      note: `p99 ${p99.toFixed(2)} ms, recall ${recall.toFixed(4)}${how}${short}`,
    });
    if (recall >= aim.recall && x) reportPoint({ plot: 'gallery', line: engine, x, y: p50 });
  }
}

async function questionOf(gallery: Gallery): Promise<Question> {
  const probes = gallery.probes(PROBES);
  const nearest = await nearestByBruteForce(gallery, probes);
  const kept = [...nearest.keys()].filter((i) => {
    const mate = gallery.take(probes.mates[i] as number, 1);
    return innerProduct(rowOf(probes.vectors, i), mate) >= scoreOf(i) - TIE;
  });
  function scoreOf(i: number): number {
    return innerProduct(rowOf(probes.vectors, i), gallery.take(nearest[i] as number, 1));
  }
  return { gallery, probes: kept.map((i) => rowOf(probes.vectors, i)), scores: kept.map(scoreOf) };
}

async function nearestByBruteForce(gallery: Gallery, probes: Probes): Promise<number[]> {
  execFileSync('cmake', ['--build', 'build', '--target', 'visage_nearest'], { cwd: ROOT, stdio: 'ignore' });
  const child = spawn(join(ROOT, 'build/visage_nearest'), [String(dimension), String(PROBES)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answer = buffer(child.stdout);
  const send = async (vectors: Float32Array) => {
    if (!child.stdin.write(new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength))) {
      await once(child.stdin, 'drain');
    }
  };
  await send(probes.vectors);
  for (const { rows } of gallery.batches(BATCH)) await send(rows.slice());
  child.stdin.end();
  const pairs = await answer;
  if (pairs.length !== 8 * PROBES) throw new Error('visage_nearest did not answer for every probe');
  return Array.from({ length: PROBES }, (_, i) => pairs.readUInt32LE(8 * i));
}

function rowOf(vectors: Float32Array, row: number): Float32Array {
  return vectors.subarray(row * dimension, (row + 1) * dimension);
}

function ownMemory(): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}
