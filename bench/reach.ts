/**
 * `npm run bench:reach -- <faces>`: which faces the detector finds, by their size in the detector's own pixels and by
 * how far the head is turned in the picture.
 *
 * The first picture of each of the first 100 people of `<faces>/lfw-dev`, on a plain grey canvas of 1280 x 960.
 */
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { type Box, createExecutor } from '../src/native.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { Recognizer } from '../src/vision/recognizer.ts';

const PEOPLE = 100;
const CANVAS = { width: 1280, height: 960 };
const GREY = { r: 128, g: 128, b: 128 };
/** Widths of the face in the detector's pixels; it looks at the canvas at a quarter of its size. */
const WIDTHS = [5, 6, 8, 10, 12, 16, 24, 48];
const ANGLES = [0, 15, 30, 45, 60, 90, 180];
/** Parts of the picture's width that the face takes. */
const SHARES = [0.5, 0.7, 0.9, 1];

const folder = process.argv[2];
if (!folder) {
  console.error('Usage: npm run bench:reach -- <folder with lfw-dev/>');
  process.exit(64);
}

const threads = availableParallelism();
const executor = createExecutor({ threads, maxQueue: 4 * threads });
const pack = await openModelPack('faceplugin');
const recognizer = await Recognizer.load(pack, executor);
const people = await peopleOf(join(folder, 'lfw-dev'));
console.log(`model pack ${pack.name} ${pack.version}, ${people.length} people, one face each\n`);
const detectorShare = CANVAS.width / pack.pipeline.detector.input.width;

await report("face's width in the detector's pixels", WIDTHS, (person, width) =>
  onCanvas(person.picture, (width * detectorShare) / person.box.width),
);
await report("face's share of the picture's width", SHARES, ({ picture, box }, share) =>
  cut(picture, box, share),
);
await report('turned in the picture, degrees', ANGLES, ({ picture }, angle) =>
  sharp(picture).rotate(angle, { background: GREY }).jpeg({ quality: 95 }).toBuffer(),
);
await executor.close();

interface Person {
  readonly picture: Buffer;
  readonly box: Box;
}

async function peopleOf(pictures: string): Promise<Person[]> {
  const found: Person[] = [];
  for (const name of (await readdir(pictures)).sort().slice(0, PEOPLE)) {
    const [first] = (await readdir(join(pictures, name))).sort();
    const picture = await readFile(join(pictures, name, first as string));
    const { faces } = await recognizer.analyze(picture, 'binary');
    if (faces.length === 1 && faces[0]) found.push({ picture, box: faces[0].box });
  }
  return found;
}

async function onCanvas(picture: Buffer, scale: number): Promise<Buffer> {
  const { width = 0, height = 0 } = await sharp(picture).metadata();
  const input = await sharp(picture)
    .resize(Math.round(width * scale), Math.round(height * scale))
    .toBuffer();
  return sharp({ create: { ...CANVAS, channels: 3, background: GREY } })
    .composite([{ input }])
    .jpeg({ quality: 95 })
    .toBuffer();
}

/** The face and what is around it, so that it takes `share` of the width, 480 pixels wide. */
async function cut(picture: Buffer, box: Box, share: number): Promise<Buffer> {
  const { width: right = 0, height: bottom = 0 } = await sharp(picture).metadata();
  const width = Math.min(right, Math.round(box.width / share));
  const height = Math.min(bottom, Math.round(Math.max(box.height / share, (width * 3) / 4)));
  const left = Math.max(0, Math.min(right - width, Math.round(box.x + (box.width - width) / 2)));
  const top = Math.max(0, Math.min(bottom - height, Math.round(box.y + (box.height - height) / 2)));
  return sharp(picture)
    .extract({ left, top, width, height })
    .resize({ width: 480 })
    .jpeg({ quality: 95 })
    .toBuffer();
}

async function report(
  title: string,
  values: readonly number[],
  make: (person: Person, value: number) => Promise<Buffer>,
): Promise<void> {
  console.log(title);
  for (const value of values) {
    let found = 0;
    for (const person of people) {
      const { faces } = await recognizer.analyze(await make(person, value), 'binary');
      if (faces.length > 0) found++;
    }
    console.log(
      `  ${String(value).padEnd(5)} found ${((100 * found) / people.length).toFixed(1).padStart(5)} %`,
    );
  }
}
