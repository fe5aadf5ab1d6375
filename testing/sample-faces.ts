import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

const FOLDER = join(
  dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')),
  'demo',
);

/**
 * Boxes (x, y, width, height) of the faces of `sample1.jpg` to `sample6.jpg`, the largest of each image
 * first.
 */
const BOXES: readonly (readonly (readonly [number, number, number, number])[])[] = [
  [
    [1456, 222, 234, 213],
    [823, 423, 216, 230],
    [413, 353, 191, 241],
  ],
  [
    [366, 124, 164, 295],
    [1444, 158, 201, 233],
    [892, 222, 169, 236],
  ],
  [
    [1075, 203, 232, 313],
    [593, 318, 202, 281],
    [1505, 301, 181, 275],
  ],
  [
    [991, 179, 174, 250],
    [665, 67, 175, 248],
    [266, 195, 157, 253],
    [1262, 163, 157, 231],
  ],
  [
    [377, 869, 183, 304],
    [1414, 389, 178, 275],
    [610, 409, 162, 270],
    [1115, 209, 161, 221],
    [798, 106, 146, 212],
  ],
  [
    [1479, 252, 223, 302],
    [257, 487, 208, 276],
    [675, 320, 177, 309],
    [1171, 309, 195, 271],
  ],
];

const MARGIN = 0.4;

/** One of the six group photographs, 1,920 pixels wide. @param number 1..6. */
export function samplePicture(number: number): Buffer {
  return readFileSync(join(FOLDER, `sample${number}.jpg`));
}

async function crop(picture: number, box: readonly [number, number, number, number], width: number) {
  const [x, y, w, h] = box;
  const left = Math.max(0, Math.round(x - MARGIN * w));
  const top = Math.max(0, Math.round(y - MARGIN * h));
  return sharp(samplePicture(picture))
    .extract({ left, top, width: Math.round(w * (1 + 2 * MARGIN)), height: Math.round(h * (1 + 2 * MARGIN)) })
    .resize({ width })
    .jpeg({ quality: 90 })
    .toBuffer();
}

/** The same woman in two photographs, 160 pixels wide. */
export async function samePerson(): Promise<readonly [Buffer, Buffer]> {
  const [first, second] = [BOXES[0]?.[0], BOXES[2]?.[0]];
  if (!first || !second) throw new Error('The table of boxes is not complete');
  return [await crop(1, first, 160), await crop(3, second, 160)];
}

/** JPEGs of about 10 KB of 21 women, one face each. @param width pixels of the crop. */
export async function differentPeople(width = 160): Promise<Buffer[]> {
  const crops = BOXES.flatMap((boxes, i) => boxes.map((box) => ({ picture: i + 1, box })));
  const people = crops.filter(({ picture, box }) => !(picture === 3 && box === BOXES[2]?.[0]));
  return Promise.all(people.map(({ picture, box }) => crop(picture, box, width)));
}

export function emptyPicture(): Promise<Buffer> {
  return sharp({ create: { width: 320, height: 240, channels: 3, background: '#406080' } })
    .jpeg()
    .toBuffer();
}
