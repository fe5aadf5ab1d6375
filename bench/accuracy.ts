/**
 * `npm run bench:accuracy -- <faces>`: how well the default pack, as the service runs it, tells people apart.
 *
 * `<faces>` holds `lfw-dev/<person>/<picture>` and `lfw-dev-pairs.csv` (first, second, same_person).
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecutor } from '../src/native.ts';
import { createLog } from '../src/ops/log.ts';
import { ImpostorScores, innerProduct } from '../src/vision/impostors.ts';
import { type LabelledTemplate, readLabelledTemplates } from '../src/vision/labelled-templates.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { Recognizer } from '../src/vision/recognizer.ts';
import { foldedAccuracy, type LabelledScore, thresholdAt, trueMatchRate } from './verification.ts';

const FALSE_MATCH_RATES = [1e-2, 1e-3, 1e-4, 1e-5] as const;
const SIMILARITIES = [
  [70, 1e-3],
  [80, 1e-4],
  [90, 1e-5],
  [95, 1e-6],
] as const;

const folder = process.argv[2];
if (!folder) {
  console.error('Usage: npm run bench:accuracy -- <folder with lfw-dev/ and lfw-dev-pairs.csv>');
  process.exit(64);
}

const threads = availableParallelism();
const executor = createExecutor({ threads, maxQueue: 4 * threads });
const pack = await openModelPack('faceplugin');
const prepared = await mkdtemp(join(tmpdir(), 'visage-bench-'));
const recognizer = await Recognizer.load(pack, executor, { folder: prepared, log: createLog('warn') });
await rm(prepared, { recursive: true });
const templates = await readLabelledTemplates(
  recognizer,
  join(folder, 'lfw-dev'),
  2 * threads,
  (done, total) => {
    if (done % 500 === 0 || done === total) console.error(`embedded ${done} of ${total} pictures`);
  },
);
const byPicture = new Map(templates.map((entry) => [entry.picture, entry]));

console.log(`machine            ${cpus()[0]?.model}, ${threads} threads`);
console.log(`model pack         ${pack.name} ${pack.version}`);
const missed = templates.filter((entry) => !entry.template).length;
console.log(`pictures           ${templates.length}, no face found in ${missed}`);

const pairs = await readPairs(join(folder, 'lfw-dev-pairs.csv'));
const accuracy = foldedAccuracy(pairs, 10);
console.log(
  `\ngiven pairs        ${pairs.length}, accuracy over 10 folds ${percent(accuracy.mean)} +- ${percent(accuracy.deviation)}`,
);
const nonMated = pairs.filter((pair) => !pair.mated).map((pair) => pair.score);
const mated = pairs.filter((pair) => pair.mated).map((pair) => pair.score);
for (const rate of FALSE_MATCH_RATES.slice(0, 3)) {
  const threshold = thresholdAt(nonMated, rate);
  console.log(
    `  TAR at FAR ${rate.toExponential(0)}  ${percent(trueMatchRate(mated, threshold))} (score ${threshold.toFixed(3)})`,
  );
}

const impostors = ImpostorScores.of(templates);
const allMated = matedScores(templates);
console.log(`\nall pairs          ${allMated.length} mated, ${impostors.pairs} non-mated, none left out`);
for (const rate of FALSE_MATCH_RATES) {
  const threshold = impostors.scoreAt(rate);
  console.log(
    `  TAR at FAR ${rate.toExponential(0)}  ${percent(trueMatchRate(allMated, threshold))} (score ${threshold.toFixed(3)})`,
  );
}

const withAll = SIMILARITIES.map(([similarity]) =>
  impostors.falseMatchRate(pack.similarity.toScore(similarity)),
);
impostors.without(impostors.best.filter(({ first, second }) => pack.excludes(first.person, second.person)));
console.log('\nsimilarity         score   FMR claimed   FMR met    met, two-name pairs left out   TMR');
for (const [i, [similarity, claimed]] of SIMILARITIES.entries()) {
  const score = pack.similarity.toScore(similarity);
  const columns = [
    `  ${similarity}`.padEnd(19),
    score.toFixed(3).padEnd(8),
    claimed.toExponential(0).padEnd(14),
    withAll[i]?.toExponential(2).padEnd(11),
    impostors.falseMatchRate(score).toExponential(2).padEnd(31),
    percent(trueMatchRate(allMated, score)),
  ];
  console.log(columns.join(''));
}
await executor.close();

async function readPairs(file: string): Promise<LabelledScore[]> {
  const [, ...lines] = (await readFile(file, 'utf8')).trim().split('\n');
  return lines.map((line) => {
    const [first, second, same] = line.trim().split(',');
    return { score: scoreOf(byPicture.get(first ?? ''), byPicture.get(second ?? '')), mated: same === '1' };
  });
}

function scoreOf(first: LabelledTemplate | undefined, second: LabelledTemplate | undefined): number {
  if (!first || !second) throw new Error('lfw-dev-pairs.csv names a picture that is not in lfw-dev');
  return first.template && second.template ? innerProduct(first.template, second.template) : -1;
}

function matedScores(entries: readonly LabelledTemplate[]): number[] {
  const scores: number[] = [];
  for (const [i, first] of entries.entries()) {
    for (let j = i + 1; entries[j]?.person === first.person; j++) scores.push(scoreOf(first, entries[j]));
  }
  return scores;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
