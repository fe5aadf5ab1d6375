/**
 * `npm run bench:search-cost`: cost of face detection by image size and least face, with the packs'
 * detectors.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { createExecutor } from '../src/native/executor.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import type { Recognizer } from '../src/vision/recognizer.ts';
import { loadAsServed } from './as-served.ts';

const PACKS = ['faceplugin', 'yunet'];
const ROUNDS = 9;
const SEARCHES = [
  [640, 480],
  [1280, 720],
  [1920, 1080],
  [4000, 3000],
  [1920, 1080, 16],
  [1920, 1080, 24],
  [1920, 1080, 48],
  [1920, 1080, 96],
  [4000, 3000, 32],
  [1280, 720, 'largest'],
  [1920, 1080, 'largest'],
  [4000, 3000, 'largest'],
] as const;
type Look = (typeof SEARCHES)[number][2];

const samples = dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json'));
const executor = createExecutor({ threads: 1, maxQueue: 1 });
const packs = await Promise.all(PACKS.map((name) => openModelPack(name)));
const recognizers: Recognizer[] = [];
for (const pack of packs) recognizers.push(await loadAsServed(pack, executor));

async function costOf(recognizer: Recognizer, picture: Buffer, look: Look): Promise<number> {
  const before = process.cpuUsage();
  await recognizer.analyze(picture, 'binary', {
    described: 0,
    template: false,
    ...(look === 'largest' ? { largestOnly: true } : { minFaceSize: look }),
  });
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function middle(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const costs: number[][] = [];
for (const [width, height, look] of SEARCHES) {
  const picture = await sharp(join(samples, 'demo/sample3.jpg'))
    .resize(width, height, { fit: 'fill' })
    .jpeg({ quality: 90 })
    .toBuffer();
  const row: number[][] = recognizers.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, recognizer] of recognizers.entries())
      row[i]?.push(await costOf(recognizer, picture, look));
  }
  costs.push(row.map(middle));
}

const unit = costs[0]?.[0] ?? Number.NaN;
console.log(
  `${'processor time, one picture of 640 x 480 = 1'.padEnd(48)}${PACKS.map((name) => name.padEnd(14))
    .join('')
    .trimEnd()}`,
);
for (const [i, [width, height, look]] of SEARCHES.entries()) {
  const what = look === 'largest' ? ', the largest face' : look ? `, minFaceSize ${look}` : '';
  const label = `  ${width} x ${height}${what}`;
  console.log(
    `${label.padEnd(48)}${(costs[i] ?? [])
      .map((cost) => (cost / unit).toFixed(1).padEnd(14))
      .join('')
      .trimEnd()}`,
  );
}
await executor.close();
