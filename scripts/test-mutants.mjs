/**
 * `npm run test:mutants`: plants one-line faults, one at a time, and counts those that a test notices. The
 * fixed list is always planted; `--count N` more are drawn by `--seed S`, evenly from each folder. `--only
 * access` takes one folder, with the same faults; `--jobs N` plants N at once. `test/mutants/survivors.json` must
 * explain each fault that no test notices. A later run repeats no noticed fault while its file and the test stay
 * as they are; `--again` does. Ends with 1 if tests notice fewer than 95 of 100, or a survivor lacks its
 * explanation.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { buildMirror } from './mutants/build.mjs';
import { cppFaults, javaScriptFaults, lineOf } from './mutants/faults.mjs';
import { makeMirror } from './mutants/mirror.mjs';
import { Notices } from './mutants/notices.mjs';
import { distance, likeliestFirst } from './mutants/order.mjs';
import { reachOf, runTest } from './mutants/reach.mjs';
import { ROOT, setUpOrExit, TEST_STEPS } from './setup/set-up.mjs';
import { testFiles } from './test-runner.mjs';

const FOLDERS = [
  'src/access',
  'src/store',
  'src/recognition',
  'src/api',
  'src/http',
  'src/base',
  'native/search',
  'native/decode',
];
const LEFT_OUT = /kernels_(?:neon|avx512)/;
/** Where the tests of each folder are; for C++, the quickest that would notice something come first. */
const TESTS = {
  'src/access': [
    'access/',
    'attack/keys',
    'attack/members',
    'attack/audit',
    'e2e/members',
    'e2e/token-attacks',
    'cli/',
  ],
  'src/store': ['store/', 'access/', 'recognition/', 'cli/', 'attack/backup', 'durability/flushed'],
  'src/recognition': [
    'recognition/',
    'access/',
    'e2e/face-calls',
    'e2e/recognition',
    'http/schema-bounds',
    'http/openapi',
  ],
  'src/api': ['api/', 'http/', 'access/matrix', 'attack/numbers', 'e2e/errors'],
  'src/http': [
    'http/',
    'access/image-url',
    'access/matrix',
    'attack/connections',
    'attack/numbers',
    'e2e/errors',
  ],
  'src/base': ['base/', 'http/', 'access/', 'attack/connections', 'attack/numbers'],
  'native/search': [
    'native/search',
    'native/snapshot',
    'native/exactness',
    'native/kernels',
    'native/candidates',
    'native/normalised-scores',
    'native/rows-on-disk',
    'native/shared-search',
    'native/recall',
    'native/ctest',
    'gallery/',
    'fuzz/snapshot',
  ],
  'native/decode': ['native/decode/', 'fuzz/decode', 'native/analyze'],
};
const GOAL = 0.95;
const SLOWER = 5;
const LEAST_LIMIT_MS = 60_000;
/** Tests by imports and name that run before the program looks which tests reach a fault. */
const LIKELIEST = 6;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '91' },
    only: { type: 'string', default: '' },
    again: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
  },
});

function filesOf(folder) {
  const isCpp = folder.startsWith('native/');
  const place = isCpp ? folder : join('dist', folder);
  return readdirSync(join(ROOT, place), { recursive: true })
    .filter((name) => name.endsWith(isCpp ? '.cc' : '.js') && !LEFT_OUT.test(name))
    .sort()
    .map((name) => join(place, name));
}

const read = (file) => readFileSync(join(ROOT, file), 'utf8');

function faultsOf(file) {
  const source = read(file);
  const found = file.endsWith('.cc') ? cppFaults(source) : javaScriptFaults(source);
  return found.map((fault) => describe(file, source, fault));
}

function describe(file, source, fault) {
  const { line, before, after } = lineOf(source, fault);
  return { ...fault, file, line, before, after, id: `${file}:${fault.at}:${fault.text}` };
}

/** Draws of one folder do not depend on the other folders. */
function draw(folder, count) {
  const random = uniforms(Number(values.seed) * FOLDERS.length + FOLDERS.indexOf(folder));
  const all = filesOf(folder).flatMap(faultsOf);
  const drawn = [];
  while (drawn.length < count && all.length > 0) {
    drawn.push(...all.splice(Math.floor(random() * all.length), 1));
  }
  return drawn;
}

/** The fixed list, as faults. @throws Error if what an entry names is not in its file exactly once. */
function fixedFaults() {
  return JSON.parse(read('test/mutants/fixed.json')).map(({ file, find, replace, test }) => {
    const source = read(file);
    const at = source.indexOf(find);
    if (at < 0 || source.indexOf(find, at + 1) >= 0) throw new Error(`${file} does not have once: ${find}`);
    return describe(file, source, { at, end: at + find.length, text: replace, kind: 'fixed list', test });
  });
}

function explanationOf({ file, before, after }) {
  const known = JSON.parse(read('test/mutants/survivors.json'));
  return known.find((each) => each.file === file && each.before === before && each.after === after);
}

function testsOf(folder) {
  const all = testFiles(join(ROOT, 'dist/test')).map((file) => relative(ROOT, file));
  const places = TESTS[folder].map((place) => join('dist/test', place));
  return [...new Set(places.flatMap((place) => all.filter((file) => file.startsWith(place))))];
}

/** Runs a test once without a fault. @returns its result, also for later calls */
const sound = new Map();

function soundly(mirror, test) {
  if (!sound.has(test)) sound.set(test, runTest(mirror, test));
  return sound.get(test);
}

const times = new Map();
const timeOf = (test) => times.get(test) ?? 0;

/** The likeliest test to notice the fault first. */
function testsFor(fault) {
  const ordered = likeliestFirst(ROOT, testsOf(folderOf(fault)), fault.file, timeOf);
  return fault.test ? [...new Set([fault.test, ...ordered])] : ordered;
}

async function isSound(mirror, test) {
  const isFirst = !sound.has(test);
  const { passed, ms } = await soundly(mirror, test);
  times.set(test, ms);
  if (!passed && isFirst) console.log(`${test} fails without a fault, and is left out`);
  return passed;
}

async function fails(mirror, test) {
  const { ms } = await soundly(mirror, test);
  const { passed, isCut } = await runTest(mirror, test, { limit: Math.max(LEAST_LIMIT_MS, SLOWER * ms) });
  return passed ? null : isCut ? `${test}, by its time limit` : test;
}

/** A test notices a fault if it fails twice, since load alone can make one fail once. */
async function noticeBy(mirror, test) {
  const first = await fails(mirror, test);
  return first !== test || (await fails(mirror, test)) ? first : null;
}

async function firstToNotice(mirror, fault, tests) {
  for (const test of tests) {
    if (!(await isSound(mirror, test))) continue;
    const notice = await withFault(mirror, fault, () => noticeBy(mirror, test));
    if (notice) return notice;
  }
  return null;
}

async function withFault(mirror, { file, at, end, text }, work) {
  const source = read(file);
  const place = join(mirror, file);
  writeFileSync(place, source.slice(0, at) + text + source.slice(end));
  try {
    return await work();
  } finally {
    writeFileSync(place, source);
  }
}

async function share(list, places, work) {
  const waiting = [...list];
  const worker = async (place) => {
    for (let item = waiting.shift(); item; item = waiting.shift()) await work(item, place);
  };
  await Promise.all(places.map(worker));
}

function tell({ file, line, kind, before, after }, result) {
  console.log(
    `${result}\n  ${file}:${line} (${kind})\n  - ${before.slice(0, 160)}\n  + ${after.slice(0, 160)}`,
  );
}

await setUpOrExit(TEST_STEPS);
const { uniforms } = await import('../dist/src/base/random.js');
const folders = FOLDERS.filter((folder) => folder.includes(values.only));
const each = Math.ceil(Number(values.count) / FOLDERS.length);
const drawn = folders.flatMap((folder) => draw(folder, each));
const folderOf = ({ file }) => FOLDERS.find((folder) => file.includes(`${folder}/`));
const fixed = fixedFaults().filter((fault) => folders.includes(folderOf(fault)));
const faults = [...fixed, ...drawn.filter(({ id }) => fixed.every((each) => each.id !== id))];
const notices = new Notices(ROOT, values.again);
const results = [];
const settle = (fault, notice) => {
  const { why, isEquivalent = false } = (notice ? undefined : explanationOf(fault)) ?? {};
  const verdict = isEquivalent ? 'changes no result' : why ? 'SURVIVED, explained' : 'SURVIVED';
  tell(fault, notice ? `noticed by ${notice}` : why ? `${verdict}: ${why}` : verdict);
  if (notice) notices.add(fault, notice);
  results.push({ folder: folderOf(fault), notice, why, isEquivalent });
};
const isNew = (fault) => {
  const notice = notices.of(fault);
  if (notice) settle(fault, notice);
  return !notice;
};

const mirrors = Array.from({ length: Number(values.jobs) }, (_, i) => join(ROOT, `dist.mutants/${i}`));
const inTypeScript = faults.filter(({ file }) => file.endsWith('.js')).filter(isNew);
if (inTypeScript.length > 0) {
  for (const mirror of mirrors) makeMirror(ROOT, mirror);
  const tried = new Map();
  const left = [];
  await share(inTypeScript, mirrors, async (fault, mirror) => {
    const isNear = (test) =>
      test === fault.test || distance(ROOT, test, fault.file) < Number.POSITIVE_INFINITY;
    const own = testsFor(fault).filter(isNear).slice(0, LIKELIEST);
    tried.set(fault.id, own);
    const notice = await firstToNotice(mirror, fault, own);
    if (notice) settle(fault, notice);
    else {
      tell(fault, `missed by ${own.join(', ')}`);
      left.push(fault);
    }
  });
  const tests = [...new Set(left.flatMap((fault) => testsOf(folderOf(fault))))];
  const byFile = new Map();
  for (const fault of left) byFile.set(fault.file, [...(byFile.get(fault.file) ?? []), fault]);
  const reachedBy = new Map();
  console.log(`running ${tests.length} test files to see which of them reach which of ${left.length} faults`);
  await share(tests, mirrors, async (test, mirror) => {
    const { passed, isCut, ms, reached } = await reachOf(mirror, test, byFile);
    sound.set(test, Promise.resolve({ passed, isCut, ms }));
    if (!passed) return console.log(`${test} fails without a fault, and is left out`);
    for (const id of reached) reachedBy.set(id, [...(reachedBy.get(id) ?? []), { test, ms }]);
  });
  await share(left, mirrors, async (fault, mirror) => {
    const others = (reachedBy.get(fault.id) ?? []).sort((a, b) => a.ms - b.ms).map(({ test }) => test);
    const untried = others.filter((test) => !tried.get(fault.id).includes(test));
    settle(fault, await firstToNotice(mirror, fault, untried));
  });
}

const inCpp = faults.filter(({ file }) => file.endsWith('.cc')).filter(isNew);
if (inCpp.length > 0) {
  const mirror = join(ROOT, 'dist.mutants/native');
  makeMirror(ROOT, mirror, { native: true });
  if (!(await buildMirror(mirror))) throw new Error('The addon does not compile without a fault.');
  const touched = new Set(inCpp.map(folderOf));
  for (const test of [...touched].flatMap(testsOf)) await isSound(mirror, test);
  for (const fault of inCpp) {
    const notice = await withFault(mirror, fault, async () => {
      if (!(await buildMirror(mirror))) return 'the compiler';
      for (const test of testsFor(fault)) {
        const notice = (await isSound(mirror, test)) ? await noticeBy(mirror, test) : null;
        if (notice) return notice;
      }
      return null;
    });
    // A fault that does not compile could never ship, so it does not count.
    if (notice !== 'the compiler') settle(fault, notice);
  }
}

function row(name, all) {
  const settled = all.filter(({ isEquivalent }) => !isEquivalent);
  const noticed = settled.filter(({ notice }) => notice !== null).length;
  const share100 = settled.length === 0 ? 100 : (100 * noticed) / settled.length;
  const numbers = [settled.length, noticed, settled.length - noticed, all.length - settled.length];
  console.log(
    `${name.padEnd(16)}${numbers.map((n) => `${n}`.padStart(12)).join('')}${share100.toFixed(1).padStart(12)} %`,
  );
  return share100 / 100;
}

console.log(`\nseed ${values.seed}           faults     noticed    survived  equivalent     noticed`);
for (const folder of folders)
  row(
    folder,
    results.filter((result) => result.folder === folder),
  );
const noticedShare = row('all', results);
const unexplained = results.filter(({ notice, why }) => notice === null && !why).length;
console.log(`${unexplained} survivors not explained`);
process.exitCode = results.length > 0 && noticedShare >= GOAL && unexplained === 0 ? 0 : 1;
