import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { innerProduct } from '../src/vision/impostors.ts';
import { ROOT } from './service.ts';

export const FACE_MIXES_FILE = join(ROOT, 'test/fixtures/face-mixes/mixes.bin');
const FACE_MIX_DIMENSION = 512;
const MIXES = 512;
const SCALE = 1 / 32_767;
const MIN_PEOPLE = 8;
/** Strangers score this much; 0.48 is the pack's similarity of 90. */
const MAX_SCORE = 0.45;

/** 512 unit vectors of 512 values. */
export function faceMixes(): Float32Array[] {
  const file = readFileSync(FACE_MIXES_FILE);
  return Array.from({ length: MIXES }, (_, mix) =>
    unit(
      Float64Array.from(
        { length: FACE_MIX_DIMENSION },
        (_, i) => SCALE * file.readInt16LE(2 * (mix * FACE_MIX_DIMENSION + i)),
      ),
    ),
  );
}

/** Averages of templates, moved away from the mean of all, so mixes differ as much as people do. */
export function faceMixesFile(templates: readonly Float32Array[]): Buffer {
  const mean = average(templates);
  const file = Buffer.alloc(2 * MIXES * FACE_MIX_DIMENSION);
  for (let mix = 0; mix < MIXES; mix++) {
    const own = templates.filter((_, i) => i % MIXES === mix);
    let mixed = mixOf(own, mean);
    for (;;) {
      const scores = own.map((template) => innerProduct(template, mixed));
      const highest = Math.max(...scores);
      if (highest < MAX_SCORE) break;
      own.splice(scores.indexOf(highest), 1);
      if (own.length < MIN_PEOPLE) throw new Error(`Mix ${mix} has too few people. Use more images.`);
      mixed = mixOf(own, mean);
    }
    mixed.forEach((value, i) => {
      file.writeInt16LE(Math.round(value / SCALE), 2 * (mix * FACE_MIX_DIMENSION + i));
    });
  }
  return file;
}

function mixOf(templates: readonly Float32Array[], mean: Float64Array): Float32Array {
  const spread = Math.sqrt(templates.length);
  return unit(
    average(templates).map((value, i) => {
      const middle = mean[i] as number;
      return middle + spread * (value - middle);
    }),
  );
}

function average(vectors: readonly Float32Array[]): Float64Array {
  const sum = new Float64Array(FACE_MIX_DIMENSION);
  for (const vector of vectors)
    for (const [i, value] of vector.entries()) sum[i] = (sum[i] as number) + value;
  return sum.map((value) => value / vectors.length);
}

function unit(vector: Float64Array): Float32Array {
  const scale = 1 / Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return Float32Array.from(vector, (value) => value * scale);
}
