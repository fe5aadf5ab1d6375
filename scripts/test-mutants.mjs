/**
 * `npm run test:mutants`: plants one-line faults, one at a time, and counts those that a test notices. The
 * fixed list is always planted; `--count N` more are drawn by `--seed S`, evenly from each folder. `--only
 * access` takes one folder. `test/mutants/survivors.json` must explain each fault that no test notices. Ends
 * with 1 if tests notice fewer than 95 of 100, or a survivor lacks its explanation.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { buildMirror } from './mutants/build.mjs';
import { cppFaults, javaScriptFaults, lineOf } from './mutants/faults.mjs';
import { makeMirror } from './mutants/mirror.mjs';
import { reachOf, runTest } from './mutants/reach.mjs';
import { ROOT, setUpOrExit, TEST_STEPS } from './setup/set-up.mjs';
import { testFiles } from './test-runner.mjs';

const FOLDERS = [
  'src/access',
  'src/store',
  'src/recognition',
  'src/api',
  'src/http',
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
  'native/search': [
    'native/search',
    'native/graph',
    'native/snapshot',
    'native/exactness',
    'native/ctest',
    'gallery/',
    'fuzz/snapshot',
  ],
  'native/decode': ['native/decode/', 'fuzz/decode', 'native/analyze'],
};
const GOAL = 0.95;
const SLOWER = 5;
const LEAST_LIMIT_MS = 180_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '108' },
    only: { type: 'string', default: '' },
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

function draw(folder, count, random) {
  const all = filesOf(folder).flatMap(faultsOf);
  const drawn = [];
  while (drawn.length < count && all.length > 0) {
    drawn.push(...all.splice(Math.floor(random() * all.length), 1));
  }
  return drawn;
}

/** The fixed list, as faults. @throws Error if what an entry names is not in its file exactly once. */
function fixedFaults() {
  return JSON.parse(read('test/mutants/fixed.json')).map(({ file, find, replace }) => {
    const source = read(file);
    const at = source.indexOf(find);
    if (at < 0 || source.indexOf(find, at + 1) >= 0) throw new Error(`${file} does not have once: ${find}`);
    return describe(file, source, { at, end: at + find.length, text: replace, kind: 'fixed list' });
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

async function firstToNotice(mirror, tests, times) {
  for (const test of tests) {
    const limit = Math.max(LEAST_LIMIT_MS, SLOWER * (times.get(test) ?? 0));
    const { passed, isCut } = await runTest(mirror, test, { limit });
    if (!passed) return isCut ? `${test}, by its time limit` : test;
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
const random = uniforms(Number(values.seed));
const folders = FOLDERS.filter((folder) => folder.includes(values.only));
const drawn = folders.flatMap((folder) =>
  draw(folder, Math.ceil(Number(values.count) / folders.length), random),
);
const fixed = fixedFaults().filter(({ file }) => folders.some((folder) => file.includes(folder)));
const faults = [...fixed, ...drawn.filter(({ id }) => fixed.every((each) => each.id !== id))];
const results = [];
let equivalent = 0;
const settle = (fault, notice) => {
  const { why, isEquivalent = false } = (notice ? undefined : explanationOf(fault)) ?? {};
  const verdict = isEquivalent ? 'changes no result' : why ? 'SURVIVED, explained' : 'SURVIVED';
  tell(fault, notice ? `noticed by ${notice}` : why ? `${verdict}: ${why}` : verdict);
  if (isEquivalent) equivalent++;
  else results.push({ fault, notice, why });
};

const mirrors = ['a', 'b'].map((name) => join(ROOT, 'dist.mutants', name));
const inTypeScript = faults.filter(({ file }) => file.endsWith('.js'));
if (inTypeScript.length > 0) {
  for (const mirror of mirrors) makeMirror(ROOT, mirror);
  const touched = folders.filter((folder) => inTypeScript.some(({ file }) => file.includes(`${folder}/`)));
  const tests = [...new Set(touched.flatMap(testsOf))];
  const byFile = Map.groupBy
    ? Map.groupBy(inTypeScript, ({ file }) => file)
    : inTypeScript.reduce(
        (map, fault) => map.set(fault.file, [...(map.get(fault.file) ?? []), fault]),
        new Map(),
      );
  const times = new Map();
  const reachedBy = new Map();
  console.log(
    `running ${tests.length} test files once, to see which of them run which of ${inTypeScript.length} faults`,
  );
  await share(tests, mirrors, async (test, mirror) => {
    const { passed, ms, reached } = await reachOf(mirror, test, byFile);
    if (!passed) return console.log(`${test} fails without a fault, and is left out`);
    times.set(test, ms);
    for (const id of reached) reachedBy.set(id, [...(reachedBy.get(id) ?? []), test]);
  });
  await share(inTypeScript, mirrors, async (fault, mirror) => {
    const own = (reachedBy.get(fault.id) ?? []).sort((a, b) => times.get(a) - times.get(b));
    const notice = await withFault(mirror, fault, () => firstToNotice(mirror, own, times));
    settle(fault, notice);
  });
}

const inCpp = faults.filter(({ file }) => file.endsWith('.cc'));
if (inCpp.length > 0) {
  const mirror = join(ROOT, 'dist.mutants/native');
  makeMirror(ROOT, mirror, { native: true });
  await buildMirror(mirror);
  for (const fault of inCpp) {
    const folder = folders.find((each) => fault.file.startsWith(each));
    const tests = testsOf(folder);
    const notice = await withFault(mirror, fault, async () => {
      if (!(await buildMirror(mirror))) return 'the compiler';
      return firstToNotice(mirror, tests, new Map());
    });
    // A fault that does not compile could never ship, so it does not count.
    if (notice !== 'the compiler') settle(fault, notice);
  }
}

const noticed = results.filter(({ notice }) => notice !== null).length;
const unexplained = results.filter(({ notice, why }) => notice === null && !why).length;
const share100 = ((100 * noticed) / results.length).toFixed(1);
console.log(
  `${results.length} faults with seed ${values.seed}: ${noticed} noticed (${share100} %), ${results.length - noticed} survived, ${unexplained} of them not explained; ${equivalent} more change no result`,
);
process.exitCode = results.length > 0 && noticed / results.length >= GOAL && unexplained === 0 ? 0 : 1;
