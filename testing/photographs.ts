import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

const FOLDER = join(
  dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')),
  'demo',
);

type Crop = readonly [sample: number, left: number, top: number, width: number, height: number];

const PEOPLE = {
  anna: [1, 1339, 105, 468, 447],
  annaElsewhere: [3, 918, 47, 545, 626],
  bea: [1, 292, 233, 432, 482],
  cleo: [2, 218, 0, 459, 589],
  dora: [3, 453, 177, 482, 561],
  emma: [6, 1328, 101, 525, 603],
} as const satisfies Record<string, Crop>;

export type Person = keyof typeof PEOPLE;

/** A whole photograph, JPEG. @param sample 1..6. */
export function photograph(sample: number): Buffer {
  return readFileSync(join(FOLDER, `sample${sample}.jpg`));
}

export function portrait(person: Person): Promise<Buffer> {
  const [sample, left, top, width, height] = PEOPLE[person];
  return sharp(photograph(sample)).extract({ left, top, width, height }).jpeg({ quality: 95 }).toBuffer();
}

export function nobody(): Promise<Buffer> {
  return sharp({ create: { width: 320, height: 240, channels: 3, background: '#88a0b8' } })
    .jpeg()
    .toBuffer();
}
