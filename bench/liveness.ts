/**
 * `npm run bench:liveness -- [faces]`: error rates of the default pack (APCER, BPCER of ISO/IEC 30107-3) at
 * several thresholds.
 *
 * Attacks are rendered (`presentation-attacks.ts`): a regression check, which says nothing about real
 * attacks. Live faces are every tenth person of `<faces>/lfw-dev` and every tenth crop of
 * `<faces>/fairface/eval`.
 */

import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { createExecutor } from '../src/native/executor.ts';
import type { AnalyzedFace } from '../src/native/pipeline.ts';
import type { Box } from '../src/native/pipeline-options.ts';
import { type LivenessVerdict, livenessOf } from '../src/vision/liveness.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { photograph } from '../testing/photographs.ts';
import { loadAsServed } from './as-served.ts';
import { type Portrait, PRESENTATIONS, type Presentation, present } from './presentation-attacks.ts';

const PEOPLE_STEP = 10;
const CONTEXT = 3.2;
const LEAST_FACE = 100;

type Kind = 'photograph' | 'LFW' | 'FairFace' | Presentation;

const threads = availableParallelism();
const executor = createExecutor({ threads, maxQueue: 4 * threads });
const pack = await openModelPack('yunet');
const recognizer = await loadAsServed(pack, executor);
const scale = recognizer.liveness;
if (!scale) throw new Error('The pack has no liveness network');
const THRESHOLDS = [0.05, scale[0]?.threshold ?? 0.5, 0.5, 0.7, 0.9];

const folder = process.argv[2];
const portraits = await groupPortraits();
const frames = new Map<Kind, Float32Array[]>();
let missed = 0;
for (const [i, portrait] of portraits.entries()) {
  const scene = portraits[(i + 17) % portraits.length]?.image ?? portrait.image;
  await judge('photograph', portrait.image);
  for (const kind of PRESENTATIONS) await judge(kind, await present(kind, portrait, scene, 1000 + i));
  console.error(`${i + 1} of ${portraits.length} faces`);
}
if (folder) {
  for (const image of await lfwPictures(join(folder, 'lfw-dev'))) await judge('LFW', image);
  for (const image of await fairFacePictures(join(folder, 'fairface/eval'))) await judge('FairFace', image);
}
await executor.close();

console.log(`model pack ${pack.name} ${pack.version}, threshold ${scale[0]?.threshold}`);
console.log(`${portraits.length} faces; in ${missed} rendered pictures no face was found\n`);
console.log(
  `called an attack, by threshold    ${THRESHOLDS.map((t) => String(t).padEnd(9))
    .join('')
    .trimEnd()}`,
);
const BONA_FIDE = [
  ['photograph', 'photographs (BPCER)'],
  ['live', 'the same, rendered camera'],
  ['LFW', "LFW's pictures (BPCER)"],
  ['FairFace', "FairFace's pictures (BPCER)"],
] as const;
for (const [kind, name] of BONA_FIDE.filter(([shown]) => frames.has(shown))) {
  console.log(`  ${name.padEnd(32)}${row(kind, (isLive) => !isLive)}`);
}
console.log('called live (APCER)');
for (const kind of PRESENTATIONS.filter((name) => name !== 'live')) {
  console.log(`  ${kind.padEnd(32)}${row(kind, (isLive) => isLive)}`);
}

function row(kind: Kind, counts: (isLive: boolean) => boolean): string {
  const seen = frames.get(kind) ?? [];
  const columns = THRESHOLDS.map((threshold) => {
    const wrong = seen.filter((frame) => counts(verdict(frame, threshold).isLive)).length;
    return `${((100 * wrong) / seen.length).toFixed(1)} %`.padEnd(9);
  });
  return columns.join('').trimEnd();
}

function verdict(frame: Float32Array, threshold: number): LivenessVerdict {
  return livenessOf([frame], scale?.map(({ classes }) => ({ classes, threshold })) ?? []);
}

async function judge(kind: Kind, image: Uint8Array): Promise<void> {
  const request = { template: false, described: 0, liveness: true };
  const { liveness } = await recognizer.analyze(image, 'binary', request);
  if (liveness) frames.set(kind, [...(frames.get(kind) ?? []), liveness]);
  else missed++;
}

async function groupPortraits(): Promise<Portrait[]> {
  const found: Portrait[] = [];
  for (let number = 1; number <= 6; number++) {
    const image = photograph(number);
    const { faces, width, height } = await recognizer.analyze(image, 'binary', { template: false });
    for (const { box } of faces.filter((face) => face.box.width >= LEAST_FACE)) {
      const side = Math.round(CONTEXT * Math.max(box.width, 0.8 * box.height));
      const left = Math.max(0, Math.min(width - side, Math.round(box.x + (box.width - side) / 2)));
      const top = Math.max(0, Math.round(box.y + box.height / 2 - 0.45 * side));
      const cut = { left, top, width: Math.min(side, width - left), height: Math.min(side, height - top) };
      const part = await sharp(image).extract(cut).jpeg({ quality: 95 }).toBuffer();
      found.push(...(await portraitOf(part, { ...box, x: box.x - left, y: box.y - top })));
    }
  }
  return found;
}

async function lfwPictures(pictures: string): Promise<Buffer[]> {
  const people = (await readdir(pictures)).sort().filter((_, i) => i % PEOPLE_STEP === 0);
  return Promise.all(
    people.map(async (name) => {
      const [first] = (await readdir(join(pictures, name))).sort();
      return readFile(join(pictures, name, first as string));
    }),
  );
}

async function fairFacePictures(pictures: string): Promise<Buffer[]> {
  const names = (await readdir(pictures)).sort().filter((_, i) => i % PEOPLE_STEP === 0);
  return Promise.all(names.map((name) => readFile(join(pictures, name))));
}

async function portraitOf(image: Uint8Array, box: Box): Promise<Portrait[]> {
  const { faces, width, height } = await recognizer.analyze(image, 'binary', {
    template: false,
    described: 8,
  });
  const distance = (face: AnalyzedFace) => Math.hypot(face.box.x - box.x, face.box.y - box.y);
  const [face] = [...faces].sort((a, b) => distance(a) - distance(b));
  if (!face?.landmarks) return [];
  const [leftX = 0, leftY = 0, rightX = 0, rightY = 0] = face.landmarks;
  return [
    {
      image,
      face: {
        x: (face.box.x + face.box.width / 2) / width,
        y: (face.box.y + face.box.height / 2) / height,
        width: face.box.width / width,
        height: face.box.height / height,
      },
      eyes: [
        [leftX / width, leftY / height],
        [rightX / width, rightY / height],
      ],
    },
  ];
}
