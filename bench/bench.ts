/**
 * `npm run bench -- [--faces FOLDER] [--quick] [--all] [--plots FOLDER] [--only PART,...] [--keep FOLDER
 * [--reuse PART,...]]`: runs every speed bench and prints one table. It judges nothing and fails on no
 * figure.
 *
 * `--faces` holds `lfw-dev/`; `--all` takes hours: it builds the peers' graphs of a million faces, searches
 * ten million faces, and measures memory over 100,000 requests. `--keep` stores each part's report as JSON;
 * `--reuse` reads a part's report instead of running it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runtimeVersion } from '../src/native/networks.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { ROOT } from '../testing/service.ts';
import { DEFAULT_PACK } from './as-served.ts';
import { growthPlots } from './growth-plots.ts';
import { type Part, type PartReport, runPart } from './parts.ts';
import type { Versions } from './report.ts';
import { tableOf } from './table.ts';

const LIMIT = 3 * 3600;

const { values: options } = parseArgs({
  options: {
    faces: { type: 'string' },
    quick: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    plots: { type: 'string' },
    only: { type: 'string' },
    keep: { type: 'string' },
    reuse: { type: 'string', default: '' },
  },
});
const hasFaces = options.faces !== undefined && existsSync(join(options.faces, 'lfw-dev'));
const BEGAN = new Date();
const COMMIT = `${commit()}${options.quick ? ', quick: small and short, for its shape rather than its figures' : ''}`;

const all = partsOf(options.quick);
const only = namesOf(options.only ?? all.map(({ name }) => name).join());
const reused = namesOf(options.reuse);
for (const name of reused) {
  if (!options.keep) usage('--reuse needs --keep, the folder with the reports');
  if (!existsSync(fileOf(options.keep, name))) usage(`There is no report of ${name} in ${options.keep}`);
}
const parts = all.filter(({ name }) => only.includes(name));
const reports: PartReport[] = [];
for (const { name, part } of parts) {
  console.error(`\n== ${part.title}`);
  reports.push(await reportOf(name, part));
}
if (options.plots) {
  await mkdir(options.plots, { recursive: true });
  for (const [file, svg] of growthPlots(reports.flatMap(({ points }) => points))) {
    await writeFile(join(options.plots, file), svg);
  }
}
console.log(tableOf(await head(), reports));

function partsOf(quick: boolean): { readonly name: string; readonly part: Part }[] {
  const faces = options.faces ? ['--faces', options.faces] : [];
  const part = (name: string, title: string, ...args: string[]) => ({
    name,
    part: { title, program: join(ROOT, 'dist/bench', `${name}.js`), args },
  });
  const people = (name: string, title: string, ...args: string[]) => ({
    ...part('search', title, ...faces, '--galleries', 'distinct', '--sizes', ...args),
    name,
  });
  const million = people('million', 'Search: a million people', '1000000', ...(options.all ? ['--all'] : []));
  const tenMillion = people('ten-million', 'Search: ten million people', '10000000', '--probes', '2000');
  return [
    part('pipeline', 'Pipeline: floor, bodies, 12 megapixels', '--iterations', quick ? '20' : '200'),
    part('networks', 'Networks: as they are and prepared', '--rounds', quick ? '10' : '150'),
    part('peers', 'Peers: detect, align, embed', '--seconds', quick ? '0.5' : '3'),
    part(
      'search',
      'Search: recall@1, distinct people',
      ...faces,
      '--sizes',
      quick ? '2000,10000' : '10000,100000',
    ),
    ...(quick ? [] : [million]),
    ...(options.all && !quick ? [tenMillion] : []),
    part('search-meanwhile', 'Search while rows are copied', ...faces, quick ? '10000' : '100000'),
    part('scan', 'Exact search against the speed of memory', '100000'),
    part('restart', 'Restart', ...faces, quick ? '10000' : '1000000'),
    part('memory', 'Memory under load', '--requests', quick ? '240' : options.all ? '100000' : '4000'),
    part('growth', 'Growth: picture, clients, threads', '--seconds', quick ? '0.5' : '3'),
    part('gpu', 'GPU'),
  ];
}

function namesOf(list: string): string[] {
  const names = list.split(',').filter((name) => name !== '');
  const unknown = names.find((name) => !all.some((part) => part.name === name));
  if (unknown) usage(`There is no part ${unknown}; parts are ${all.map(({ name }) => name).join(', ')}`);
  return names;
}

function usage(what: string): never {
  console.error(what);
  process.exit(64);
}

async function reportOf(name: string, part: Part): Promise<PartReport> {
  if (options.keep && reused.includes(name)) return reusedReport(fileOf(options.keep, name));
  const report: PartReport = { ...(await runPart(part, LIMIT)), commit: COMMIT, ended: minute(new Date()) };
  if (options.keep) {
    await mkdir(options.keep, { recursive: true });
    await writeFile(fileOf(options.keep, name), JSON.stringify(report));
  }
  return report;
}

function fileOf(folder: string, name: string): string {
  return join(folder, `${name}.json`);
}

async function reusedReport(file: string): Promise<PartReport> {
  const report = JSON.parse(await readFile(file, 'utf8')) as PartReport;
  const ended = report.ended ?? minute((await stat(file)).mtime);
  return { ...report, earlier: `of an earlier run, ended ${ended}, ${report.commit ?? 'commit not noted'}` };
}

function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    const changed = git('status', '--porcelain', '--', 'src', 'native', 'bench', 'models', 'CMakeLists.txt');
    return `commit ${git('rev-parse', '--short=7', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'no commit';
  }
}

function minute(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

async function head(): Promise<Versions> {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const pack = await openModelPack(DEFAULT_PACK);
  const flags = existsSync('/proc/cpuinfo') ? await readFile('/proc/cpuinfo', 'utf8') : '';
  const vectors = ['avx2', 'avx512f', 'avx512_vnni'].filter((flag) =>
    new RegExp(`\\b${flag}\\b`).test(flags),
  );
  const gigabytes = (totalmem() / 1e9).toFixed(0);
  return {
    machine: `${cpus()[0]?.model}, ${availableParallelism()} cores (${vectors.join(', ')}), ${gigabytes} GB, Linux ${release()}`,
    visage: `${version}, model pack ${pack.name} ${pack.version}, ONNX Runtime ${runtimeVersion()}, Node ${process.version}`,
    galleries: hasFaces
      ? 'people made from templates of Labeled Faces in the Wild'
      : 'people made from averages of templates: no faces were given',
    run: `begun ${minute(BEGAN)}, ${COMMIT}`,
  };
}
