/**
 * `npm run bench:reach -- <faces>`: recall of the packs' detectors by size, angle, light and place, the fit
 * of their boxes, and false detections.
 *
 * `<faces>` holds `lfw-dev/<person>/<image>` and, optionally, group photographs `group/*.jpg` and images
 * without faces, `face-free/*`.
 */

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { createExecutor } from '../src/native/executor.ts';
import type { AnalysisRequest } from '../src/native/pipeline.ts';
import type { Box } from '../src/native/pipeline-options.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import type { Recognizer } from '../src/vision/recognizer.ts';
import { annotated, judgedByEye, overlap } from './annotations.ts';
import { loadAsServed } from './as-served.ts';
import {
  cutClose,
  lit,
  type Portrait,
  type Scene,
  storedTurned,
  strewn,
  textures,
  turned,
  wheels,
  withoutFaces,
} from './scenes.ts';

const PACKS = ['faceplugin', 'yunet'];
const PEOPLE = 96;
const FULL_HD = { width: 1920, height: 1080 };
const COLUMN = 24;

const folder = process.argv[2];
if (!folder) {
  console.error('Usage: npm run bench:reach -- <folder with lfw-dev/>');
  process.exit(64);
}
const lfw = join(folder, 'lfw-dev');
const samples = dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json'));

const executor = createExecutor({ threads: availableParallelism(), maxQueue: 64 });
const packs = await Promise.all(PACKS.map((name) => openModelPack(name)));
const recognizers: Recognizer[] = [];
for (const pack of packs) recognizers.push(await loadAsServed(pack, executor));

async function facesOf(recognizer: Recognizer, picture: Buffer, request: AnalysisRequest = {}) {
  return recognizer.analyze(picture, 'binary', { described: 0, template: false, ...request });
}

function print(label: string, cells: readonly string[]): void {
  console.log(
    label.padEnd(48) +
      cells
        .map((cell) => cell.padEnd(COLUMN))
        .join('')
        .trimEnd(),
  );
}

function isMet(face: Box, box: Box): boolean {
  return (
    Math.abs(box.x + box.width / 2 - face.x - face.width / 2) < face.width / 4 &&
    Math.abs(box.y + box.height / 2 - face.y - face.height / 2) < face.height / 4 &&
    box.width < 2 * face.width &&
    box.width > face.width / 2
  );
}

async function reportFound(label: string, scenes: readonly Scene[]): Promise<void> {
  const cells = await Promise.all(
    recognizers.map(async (recognizer) => {
      let expected = 0;
      let found = 0;
      for (const { picture, faces } of scenes) {
        const boxes = (await facesOf(recognizer, picture)).faces.map(({ box }) => box);
        expected += faces.length;
        found += faces.filter((face) => boxes.some((box) => isMet(face, box))).length;
      }
      return `${((100 * found) / expected).toFixed(1)} % of ${expected}`;
    }),
  );
  print(`  ${label}`, cells);
}

async function findPortraits(): Promise<Portrait[]> {
  const portraits: Portrait[] = [];
  for (const person of (await readdir(lfw)).sort()) {
    const [first] = (await readdir(join(lfw, person))).sort();
    const picture = await readFile(join(lfw, person, first as string));
    const found = await Promise.all(recognizers.map((recognizer) => facesOf(recognizer, picture)));
    if (found.some(({ faces }) => faces.length !== 1)) continue;
    const boxes = found.map(({ faces }) => (faces[0] as { box: Box }).box);
    const mean = (side: keyof Box) => boxes.reduce((sum, box) => sum + box[side], 0) / boxes.length;
    const box = { x: mean('x'), y: mean('y'), width: mean('width'), height: mean('height') };
    const { width, height } = found[0] as { width: number; height: number };
    portraits.push({ picture, width, height, box });
    if (portraits.length === PEOPLE) break;
  }
  return portraits;
}

async function photographs(set: 'samples' | 'group', where: string): Promise<Scene[]> {
  if (!existsSync(where)) return [];
  return Promise.all(
    [...annotated(set)].map(async ([name, faces]) => ({ picture: await readFile(join(where, name)), faces })),
  );
}

async function faceFree(where: string): Promise<Buffer[]> {
  if (!existsSync(where)) return [];
  return Promise.all((await readdir(where)).sort().map((name) => readFile(join(where, name))));
}

const portraits = await findPortraits();
const few = portraits.slice(0, 48);
const each = (make: (portrait: Portrait) => Promise<Scene>, from = portraits) => Promise.all(from.map(make));
const sampleScenes = await photographs('samples', join(samples, 'demo'));
const groupScenes = await photographs('group', join(folder, 'group'));

print(
  'faces found',
  packs.map(({ name, version }) => `${name} ${version}`),
);
console.log(`width of the face in a picture of ${FULL_HD.width} x ${FULL_HD.height}, pixels`);
for (const width of [16, 20, 24, 28, 32, 40, 64, 128]) {
  await reportFound(`${width}`, await strewn(portraits, width, FULL_HD));
}
console.log("share of the picture's width that the face takes");
for (const share of [0.5, 0.7, 0.9, 1]) {
  await reportFound(`${share}`, await each((portrait) => cutClose(portrait, share, 480)));
}
await reportFound('1, in a picture of 64 pixels', await each((portrait) => cutClose(portrait, 1, 64)));
await reportFound(
  '1, in a picture of 2400 pixels',
  await each((portrait) => cutClose(portrait, 1, 2400), few),
);
console.log('turned in the picture, degrees');
for (const angle of [0, 15, 30, 45, 60, 90, 180]) {
  await reportFound(`${angle}`, await each((portrait) => turned(portrait, angle)));
}
console.log('stored turned, EXIF orientation');
for (const orientation of [3, 6, 8] as const) {
  const scenes = sampleScenes.map(async ({ picture, faces }) => ({
    picture: await storedTurned(picture, orientation),
    faces,
  }));
  await reportFound(`${orientation}`, await Promise.all(scenes));
}
console.log('light, times');
for (const factor of [1 / 16, 1 / 8, 1 / 4, 2, 3, 4]) {
  await reportFound(
    factor < 1 ? `1/${1 / factor}` : `${factor}`,
    await each((portrait) => lit(portrait, factor)),
  );
}
console.log('JPEG quality');
for (const quality of [20, 10, 5]) {
  const scenes = each(async ({ picture, box }) => ({
    picture: await sharp(picture).jpeg({ quality }).toBuffer(),
    faces: [box],
  }));
  await reportFound(`${quality}`, await scenes);
}
console.log('judged by eye, the face in the middle');
for (const [what, pictures] of judgedByEye()) {
  const middle = { x: 75, y: 65, width: 100, height: 120 };
  const scenes = pictures.map(async (name) => ({
    picture: await readFile(join(lfw, name)),
    faces: [middle],
  }));
  await reportFound(what, await Promise.all(scenes));
}
console.log('photographs of several people, annotated by eye');
for (const [name, scenes] of [
  ['six photographs of 1920 pixels', sampleScenes],
  ['five group photographs', groupScenes],
] as const) {
  if (scenes.length > 0) await reportFound(name, scenes);
}

console.log('\nboxes: intersection over union with those annotated by eye');
for (const [name, scenes] of [
  ['six photographs of 1920 pixels', sampleScenes],
  ['five group photographs', groupScenes],
] as const) {
  if (scenes.length === 0) continue;
  const cells = recognizers.map(async (recognizer) => {
    const overlaps: number[] = [];
    for (const { picture, faces } of scenes) {
      const found = (await facesOf(recognizer, picture)).faces;
      for (const face of faces) overlaps.push(Math.max(0, ...found.map(({ box }) => overlap(box, face))));
    }
    const mean = overlaps.reduce((sum, value) => sum + value, 0) / overlaps.length;
    return `mean ${mean.toFixed(3)}, least ${Math.min(...overlaps).toFixed(2)}`;
  });
  print(`  ${name}`, await Promise.all(cells));
}

console.log('\nfound where nobody is');
const empty = await Promise.all(sampleScenes.map(({ picture, faces }) => withoutFaces(picture, faces, 480)));
for (const [name, pictures] of [
  ['textures of 1280 x 960', await textures({ width: 1280, height: 960 })],
  ['cut-outs of photographs, 480 x 480', empty.flat()],
  ['drawn wheels', await wheels(250)],
  ['images without faces', await faceFree(join(folder, 'face-free'))],
] as const) {
  if (pictures.length === 0) continue;
  const cells = recognizers.map(async (recognizer) => {
    let found = 0;
    for (const picture of pictures) found += (await facesOf(recognizer, picture)).faces.length;
    return `${found} in ${pictures.length}`;
  });
  print(`  ${name}`, await Promise.all(cells));
}
await executor.close();
