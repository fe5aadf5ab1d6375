/**
 * `npm run bench:quality -- <faces>`: how many false non-matches go where the pictures of the lowest quality
 * are refused, at a threshold that stays as it is (an error-versus-reject curve, P. Grother and E. Tabassi,
 * "Performance of Biometric Quality Measures", 2007). Writes `docs/images/quality.svg`.
 *
 * `<faces>` holds `lfw-dev/<person>/<image>`. Takes the largest face of an image, as the API does.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createExecutor } from '../src/native/executor.ts';
import { scoreOf } from '../src/vision/impostors.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { normalised } from '../src/vision/normalised-templates.ts';
import { QUALITY_REASONS, type Quality, qualityOf } from '../src/vision/quality.ts';
import { loadAsServed } from './as-served.ts';
import { errorVersusReject, type JudgedPair } from './error-versus-reject.ts';
import { linePlot } from './plot.ts';

/** The API's default: a false match rate of 1e-4. */
const SIMILARITY = 80;
const REJECTED = [0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2];
const PLOTTED = Array.from({ length: 41 }, (_, i) => i / 200);
const PICTURE = new URL('../../docs/images/quality.svg', import.meta.url);

interface Sample {
  readonly person: number;
  readonly template: Float32Array;
  readonly quality: Quality;
}

const folder = process.argv[2];
if (!folder) {
  console.error('Usage: npm run bench:quality -- <folder with lfw-dev/>');
  process.exit(64);
}

const threads = availableParallelism();
const executor = createExecutor({ threads, maxQueue: 4 * threads });
const pack = await openModelPack('yunet');
const recognizer = await loadAsServed(pack, executor);
const samples = await readSamples(join(folder, 'lfw-dev'));
await executor.close();

const pairs = matedPairs(recognizer.similarity.toScore(SIMILARITY));
const scores = samples.map(({ quality }) => quality.score);
const curve = (rates: readonly number[], half?: 0 | 1) =>
  errorVersusReject(scores, half === undefined ? pairs : ofHalf(half), rates);

console.log(`model pack ${pack.name} ${pack.version}, similarity ${SIMILARITY}`);
console.log(`${samples.length} pictures with a face, ${pairs.length} mated pairs\n`);
console.log('pictures refused, worst first   FNMR      first half of people   second half');
const [all, first, second] = [curve(REJECTED), curve(REJECTED, 0), curve(REJECTED, 1)];
for (const [i, rate] of REJECTED.entries()) {
  const columns = [all[i], first[i], second[i]].map((value) => percent(value));
  console.log(
    `  ${`${100 * rate} %`.padEnd(30)}${columns[0]?.padEnd(10)}${columns[1]?.padEnd(23)}${columns[2]}`,
  );
}

const sorted = [...scores].sort((a, b) => a - b);
const quantile = (share: number) => sorted[Math.floor(share * (sorted.length - 1))];
console.log(
  `\nscores: worst 1 % up to ${quantile(0.01)}, 5 % up to ${quantile(0.05)}, 20 % up to ${quantile(0.2)}, half from ${quantile(0.5)}`,
);
console.log('\nreason             pictures   FNMR of the pairs with such a picture');
for (const reason of QUALITY_REASONS) {
  const has = (sample: number) => samples[sample]?.quality.reasons.includes(reason) ?? false;
  const count = samples.filter((_, i) => has(i)).length;
  const concerned = pairs.filter(({ first: a, second: b }) => has(a) || has(b));
  const rate = concerned.filter(({ isError }) => isError).length / concerned.length;
  console.log(
    `  ${reason.padEnd(17)}${String(count).padEnd(11)}${concerned.length > 0 ? `${percent(rate)} of ${concerned.length}` : '-'}`,
  );
}

const plotted = curve(PLOTTED);
await writeFile(
  PICTURE,
  linePlot(
    'False non-matches left when the worst images are refused',
    {
      label: 'images refused',
      scale: 'linear',
      from: 0,
      to: 0.2,
      ticks: [0, 0.05, 0.1, 0.15, 0.2],
      format: whole,
    },
    {
      label: 'FNMR',
      scale: 'linear',
      from: 0,
      to: 0.05,
      ticks: [0, 0.01, 0.02, 0.03, 0.04, 0.05],
      format: whole,
    },
    [
      { name: 'by quality score', points: PLOTTED.map((rate, i) => [rate, plotted[i] ?? 0]) },
      { name: 'at random', points: PLOTTED.map((rate) => [rate, plotted[0] ?? 0]) },
    ],
  ),
);

async function readSamples(pictures: string): Promise<Sample[]> {
  const people = (await readdir(pictures)).sort();
  const found: Sample[] = [];
  let next = 0;
  const worker = async () => {
    for (let person = next++; person < people.length; person = next++) {
      const name = people[person] as string;
      for (const picture of (await readdir(join(pictures, name))).sort()) {
        const image = await readFile(join(pictures, name, picture));
        const analysis = await recognizer.analyze(image, 'binary', { attributes: true });
        if (!analysis.template) continue;
        const template = normalised(recognizer.space, analysis.template);
        found.push({ person, template, quality: qualityOf(analysis, 0) });
      }
    }
  };
  await Promise.all(Array.from({ length: 2 * threads }, worker));
  return found.sort((a, b) => a.person - b.person);
}

function matedPairs(threshold: number): JudgedPair[] {
  const found: JudgedPair[] = [];
  for (const [i, { person, template }] of samples.entries()) {
    for (let j = i + 1; samples[j]?.person === person; j++) {
      const score = scoreOf(template, samples[j]?.template as Float32Array);
      found.push({ first: i, second: j, isError: score < threshold });
    }
  }
  return found;
}

function ofHalf(half: 0 | 1): JudgedPair[] {
  return pairs.filter(({ first: sample }) => (samples[sample]?.person ?? 0) % 2 === half);
}

function percent(share: number | undefined): string {
  return `${(100 * (share ?? 0)).toFixed(2)} %`;
}

function whole(share: number): string {
  return `${Math.round(100 * share)} %`;
}
