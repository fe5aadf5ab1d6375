/**
 * `npm run bench:accuracy -- <faces> [pack]`: how well a model pack, as the service runs it, tells people
 * apart.
 *
 * `<faces>` holds `lfw-dev/<person>/<image>`, `lfw-dev-pairs.csv` (first, second, same_person) and, for
 * figures by group, `fairface/eval.csv` with its images, and `fairface/cohort.csv` with those of the pack's
 * cohort. Prints the tables and draws the plots of docs/accuracy.md.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createExecutor } from '../src/native/executor.ts';
import { readGroupedTemplates } from '../src/vision/grouped-templates.ts';
import { ImpostorScores } from '../src/vision/impostors.ts';
import { type LabelledTemplate, readLabelledTemplates } from '../src/vision/labelled-templates.ts';
import { type ModelPack, openModelPack } from '../src/vision/model-pack.ts';
import { asServed as asServedTemplates } from '../src/vision/normalised-templates.ts';
import type { SimilarityScale } from '../src/vision/similarity.ts';
import { loadAsServed } from './as-served.ts';
import { reportCrossFitted } from './cross-fitted.ts';
import { crossValidate } from './cross-validation.ts';
import { type AgedTemplate, reportGroups } from './groups.ts';
import {
  asServed,
  bestOf,
  draw,
  type Enrolled,
  type Fusion,
  falseNegativeRate,
  identificationThreshold,
  meanScore,
  meanTemplate,
  rankOne,
  type Searches,
  search,
} from './identification.ts';
import { type Axis, type Line, linePlot, powersOfTen } from './plot.ts';
import {
  foldedAccuracy,
  type LabelledScore,
  matedScores,
  scoreOf,
  thresholdAt,
  trueMatchRate,
} from './verification.ts';

const FALSE_MATCH_RATES = [1e-2, 1e-3, 1e-4, 1e-5] as const;
const SIMILARITIES = [
  [70, 1e-3],
  [80, 1e-4],
  [90, 1e-5],
  [95, 1e-6],
] as const;
const FALSE_POSITIVE_RATES = [0.01, 0.003] as const;
const GALLERIES = [
  { people: 100, draws: 10 },
  { people: 1000, draws: 3 },
] as const;
const ENROLLED = [1, 2, 3, 5] as const;
const PARTS = 5;
const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));

const [folder, packName = 'yunet'] = process.argv.slice(2);
if (!folder) {
  console.error('Usage: npm run bench:accuracy -- <folder with lfw-dev/ and lfw-dev-pairs.csv> [pack]');
  process.exit(64);
}

const pack = await openModelPack(packName);
const scale = scaleOf(pack);
const { templates, grouped, trained } = await templatesOf(pack, folder);
const isDrawn = packName === 'yunet';

console.log(`machine            ${cpus()[0]?.model}, ${availableParallelism()} threads`);
console.log(`model pack         ${pack.name} ${pack.version}`);
const missed = templates.filter((entry) => !entry.template).length;
console.log(`pictures           ${templates.length}, no face found in ${missed}`);

reportGroups(asServedTemplates(pack, grouped), pack, scale);
if (trained.length > 0) reportCrossFitted(trained, grouped, pack, scale);
reportPairs(await readPairs(folder, templates));
const impostors = ImpostorScores.of(templates);
const mated = matedScores(templates);
await reportVerification();
reportCrossValidation();
await reportIdentification();
reportFusion();

async function templatesOf(
  model: ModelPack,
  faces: string,
): Promise<{
  readonly templates: LabelledTemplate[];
  readonly grouped: AgedTemplate[];
  readonly trained: AgedTemplate[];
}> {
  const threads = availableParallelism();
  const executor = createExecutor({ threads, maxQueue: 4 * threads });
  const recognizer = await loadAsServed(model, executor);
  const made = await readLabelledTemplates(recognizer, join(faces, 'lfw-dev'), 2 * threads, (done, total) => {
    if (done % 500 === 0 || done === total) console.error(`embedded ${done} of ${total} pictures`);
  });
  const ofGroups = async (labels: string) =>
    existsSync(labels) ? readGroupedTemplates(recognizer, executor, labels) : [];
  const grouped = await ofGroups(join(faces, 'fairface/eval.csv'));
  const trained = await ofGroups(join(faces, 'fairface/cohort.csv'));
  await executor.close();
  return { templates: asServedTemplates(model, made), grouped, trained };
}

function scaleOf({ name, similarity }: ModelPack): SimilarityScale {
  if (similarity) return similarity;
  throw new Error(`The model pack ${name} has no similarity scale: calibrate it first.`);
}

function reportPairs(pairs: readonly LabelledScore[]): void {
  const { mean, deviation } = foldedAccuracy(pairs, 10);
  console.log(
    `\ngiven pairs        ${pairs.length}, accuracy over 10 folds ${percent(mean)} +- ${percent(deviation)}`,
  );
  const nonMated = pairs.filter((pair) => !pair.mated).map((pair) => pair.score);
  const same = pairs.filter((pair) => pair.mated).map((pair) => pair.score);
  for (const rate of FALSE_MATCH_RATES.slice(0, 3)) {
    const threshold = thresholdAt(nonMated, rate);
    console.log(
      `  TMR at FMR ${power(rate)}  ${percent(trueMatchRate(same, threshold))} (score ${threshold.toFixed(3)})`,
    );
  }
}

async function reportVerification(): Promise<void> {
  const byPerson = ImpostorScores.of(templates, true);
  byPerson.without(byPerson.best.filter(({ first, second }) => pack.excludes(first.person, second.person)));
  const withAll = FALSE_MATCH_RATES.map((rate) => impostors.scoreAt(rate));
  const counted = impostors.pairs;
  impostors.without(impostors.best.filter(({ first, second }) => pack.excludes(first.person, second.person)));

  console.log(`\nall pairs          ${mated.length} mated, ${counted} non-mated`);
  console.log('                   every pair                two-name pairs left out');
  for (const [i, rate] of FALSE_MATCH_RATES.entries()) {
    const columns = [withAll[i] as number, impostors.scoreAt(rate)].map((score) =>
      `${percent(trueMatchRate(mated, score))} (score ${score.toFixed(3)})`.padEnd(26),
    );
    console.log(`  TMR at FMR ${power(rate)}  ${columns.join('').trimEnd()}`);
  }

  console.log('\ntwo-name pairs left out                  FMR met by');
  console.log('similarity         score   FMR claimed   pairs of people   pairs of pictures   TMR');
  for (const [similarity, claimed] of SIMILARITIES) {
    const score = scale.toScore(similarity);
    const columns = [
      `  ${similarity}`.padEnd(19),
      score.toFixed(3).padEnd(8),
      power(claimed).padEnd(14),
      byPerson.falseMatchRate(score).toExponential(2).padEnd(18),
      impostors.falseMatchRate(score).toExponential(2).padEnd(20),
      percent(trueMatchRate(mated, score)),
    ];
    console.log(columns.join(''));
  }
  const rates = spread(1e-6, 0.1);
  await draws(
    'verification.svg',
    'Verification: all pairs of the images',
    { x: 'false match rate (FMR)', y: 'false non-match rate (FNMR)', from: 1e-6, to: 0.1 },
    [
      {
        name: `${pack.name} ${pack.version}`,
        points: rates.map((rate) => [rate, 1 - trueMatchRate(mated, impostors.scoreAt(rate))]),
      },
    ],
  );
}

function reportCrossValidation(): void {
  const similarities = SIMILARITIES.map(([similarity]) => similarity);
  const parts = crossValidate(
    templates,
    similarities,
    PARTS,
    ({ first, second }) => pack.excludes(first.person, second.person),
    (done, total) => console.error(`cross-validated ${done} of ${total} parts`),
  );
  const pairs = Math.round(Math.min(...parts.map((part) => part.pairs)));
  console.log(
    `\nscale made from LFW alone, four fifths of the people, judged on the others: ${PARTS} parts of at least ${pairs} pairs of people`,
  );
  console.log('similarity         FMR claimed   FMR met, mean   lowest     highest');
  for (const [i, [similarity, claimed]] of SIMILARITIES.entries()) {
    const rates = parts.map((part) => part.rates[i] as number);
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    const columns = [
      `  ${similarity}`.padEnd(19),
      power(claimed).padEnd(14),
      mean.toExponential(2).padEnd(16),
      Math.min(...rates)
        .toExponential(2)
        .padEnd(11),
      Math.max(...rates).toExponential(2),
    ];
    console.log(columns.join(''));
  }
}

async function reportIdentification(): Promise<void> {
  const all = enrolFirst(1);
  const sizes = [...GALLERIES, { people: all.length, draws: 1 }];
  console.log('\nopen-set identification, one picture a person enrolled');
  console.log(
    `gallery            mated searches   non-mated   rank-1     ${FALSE_POSITIVE_RATES.map((rate) =>
      `FNIR at FPIR ${rate}`.padEnd(27),
    )
      .join('')
      .trimEnd()}`,
  );
  const curves: Line[] = [];
  for (const { people, draws: count } of sizes) {
    const searched = joined(
      Array.from({ length: count }, (_, i) => searchesOf(draw(all, people, i + 1), bestOf)),
    );
    const rates = FALSE_POSITIVE_RATES.map((fpir) => {
      const threshold = identificationThreshold(searched, fpir);
      const similarity = scale.toSimilarity(threshold);
      return `${percent(falseNegativeRate(searched, threshold))} (similarity ${similarity.toFixed(1)})`.padEnd(
        27,
      );
    });
    console.log(
      `  ${people}`.padEnd(19) +
        `${searched.mated.length}`.padEnd(17) +
        `${searched.nonMated.length}`.padEnd(12) +
        percent(rankOne(searched)).padEnd(11) +
        rates.join('').trimEnd(),
    );
    curves.push({
      name: `${people} people`,
      points: spread(1e-3, 1).map((fpir) => [
        fpir,
        falseNegativeRate(searched, identificationThreshold(searched, fpir)),
      ]),
    });
  }
  await draws(
    'identification.svg',
    'Open-set identification by size of the gallery',
    {
      x: 'false positive identification rate (FPIR)',
      y: 'false negative identification rate (FNIR)',
      from: 1e-3,
      to: 1,
    },
    curves,
  );
}

function reportFusion(): void {
  const { similarity } = pack;
  const fusions: (readonly [string, () => Fusion])[] = [
    ['best of', () => bestOf],
    ['mean score', () => meanScore],
    ['mean template', meanTemplate],
  ];
  if (similarity) fusions.push(['as served', () => asServed(similarity.toScore(70))]);
  console.log(
    '\nseveral pictures of one external key, everybody enrolled, people with more pictures than that searched for',
  );
  console.log(
    'pictures   way             searches   rank-1     FNIR at FPIR 0.01   at similarity 80: FNIR   FPIR',
  );
  for (const enrolled of ENROLLED) {
    for (const [name, fusion] of enrolled === 1 ? fusions.slice(0, 1) : fusions) {
      const searched = searchesOf(enrolFirst(enrolled), fusion());
      const threshold = identificationThreshold(searched, 0.01);
      const at80 = scale.toScore(80);
      const found = searched.nonMated.filter((score) => score >= at80).length / searched.nonMated.length;
      console.log(
        `  ${enrolled}`.padEnd(11) +
          name.padEnd(16) +
          `${searched.mated.length}`.padEnd(11) +
          percent(rankOne(searched)).padEnd(11) +
          percent(falseNegativeRate(searched, threshold)).padEnd(20) +
          percent(falseNegativeRate(searched, at80)).padEnd(25) +
          percent(found),
      );
    }
  }
}

function enrolFirst(count: number): Enrolled[] {
  return [...byPerson(templates.filter(({ template }) => template))].map(([person, pictures]) => ({
    person,
    templates: pictures.slice(0, count).map(({ template }) => template as Float32Array),
  }));
}

function searchesOf(gallery: readonly Enrolled[], fusion: Fusion): Searches {
  const names = new Set(gallery.map(({ person }) => person));
  const held = new Set(gallery.flatMap((enrolled) => enrolled.templates));
  const probes = {
    mated: templates.filter(({ person, template }) => names.has(person) && !(template && held.has(template))),
    nonMated: [...byPerson(templates).values()].map((pictures) => pictures.at(-1) as LabelledTemplate),
  };
  return search(gallery, probes, (first, second) => pack.excludes(first, second), fusion);
}

function byPerson(entries: readonly LabelledTemplate[]): Map<string, LabelledTemplate[]> {
  const people = new Map<string, LabelledTemplate[]>();
  for (const entry of entries) people.set(entry.person, [...(people.get(entry.person) ?? []), entry]);
  return people;
}

function joined(all: readonly Searches[]): Searches {
  return { mated: all.flatMap(({ mated }) => mated), nonMated: all.flatMap(({ nonMated }) => nonMated) };
}

async function readPairs(faces: string, entries: readonly LabelledTemplate[]): Promise<LabelledScore[]> {
  const byPicture = new Map(entries.map((entry) => [entry.image, entry]));
  const [, ...lines] = (await readFile(join(faces, 'lfw-dev-pairs.csv'), 'utf8')).trim().split('\n');
  return lines.map((line) => {
    const [first, second, same] = line.trim().split(',');
    const [one, other] = [byPicture.get(first ?? ''), byPicture.get(second ?? '')];
    if (!one || !other) throw new Error('lfw-dev-pairs.csv names a picture that is not in lfw-dev');
    return { score: scoreOf(one, other), mated: same === '1' };
  });
}

function spread(from: number, to: number): number[] {
  const steps = Math.round(10 * Math.log10(to / from));
  return Array.from({ length: steps + 1 }, (_, i) => from * 10 ** (i / 10));
}

async function draws(
  file: string,
  title: string,
  axes: { readonly x: string; readonly y: string; readonly from: number; readonly to: number },
  lines: readonly Line[],
): Promise<void> {
  if (!isDrawn) return;
  const highest = Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const step = highest > 0.1 ? 0.05 : 0.02;
  const top = step * Math.ceil(highest / step);
  const x: Axis = {
    label: axes.x,
    scale: 'log',
    from: axes.from,
    to: axes.to,
    ticks: powersOfTen(axes.from, axes.to),
    format: power,
  };
  const y: Axis = {
    label: axes.y,
    scale: 'linear',
    from: 0,
    to: top,
    ticks: Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step),
    format: (share) => `${(100 * share).toFixed(0)} %`,
  };
  await writeFile(join(IMAGES, file), linePlot(title, x, y, lines));
}

function power(rate: number): string {
  return rate.toExponential(0);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
