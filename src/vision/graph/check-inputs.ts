import type { NetworkInput, PerChannel } from '../../native/pipeline-options.ts';
import { isOfAnySize } from './batch.ts';

/** Pictures of each kind. */
const NOISE = 4;
const WAVES = 2;

/** A pixel of channel `c` at (x, y), both 0..1 from the top left; 0..255. */
type Picture = (x: number, y: number, c: number) => number;

/** A detector of any size is given sides of whole multiples of this, its coarsest stride (`native/detect/scan.cc`). */
const STRIDE = 32;

/** What a changed network is compared with its original on. */
export interface CheckInputs {
  /** The inputs one after the other, each of channels x height x width values, pre-processed as the stage does. */
  readonly values: Float32Array;
  /** Of each of them. */
  readonly shape: readonly [batch: 1, channels: number, height: number, width: number];
}

/**
 * Inputs on which a changed network is compared with its original: noise, waves, and two drawn faces where the
 * alignment would put them (five points of ArcFace). The same on every machine.
 * @param input the stage's. @param model the network, which may take other sizes than that too.
 */
export function checkInputs(input: NetworkInput, model: Uint8Array): CheckInputs {
  const { channels, mean, scale } = input;
  const { width, height } = isOfAnySize(model) ? wholeStrides(input) : input;
  const planes = channels === 'GREY' ? 1 : 3;
  const random = mulberry32(20_261_122);
  const pictures: Picture[] = [
    ...Array.from({ length: NOISE }, (): Picture => () => 256 * random()),
    ...Array.from({ length: WAVES }, () => waves(random)),
    face([225, 172, 150], [90, 60, 50], 70),
    face([110, 75, 60], [30, 20, 20], 190),
  ];
  const values = new Float32Array(pictures.length * planes * height * width);
  const of = (value: PerChannel, c: number): number => (typeof value === 'number' ? value : (value[c] ?? 0));
  let at = 0;
  for (const picture of pictures) {
    for (let c = 0; c < planes; c++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const pixel = Math.floor(picture((x + 0.5) / width, (y + 0.5) / height, c));
          values[at++] = (Math.min(255, Math.max(0, pixel)) - of(mean, c)) * of(scale, c);
        }
      }
    }
  }
  return { values, shape: [1, planes, height, width] };
}

function wholeStrides(input: NetworkInput): NetworkInput {
  const whole = (side: number) => Math.ceil(side / STRIDE) * STRIDE;
  return { ...input, width: whole(input.width), height: whole(input.height) };
}

/** Tommy Ettinger's generator of 32-bit numbers, as fractions 0..1. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function waves(random: () => number): Picture {
  const [fx, fy, phase] = [20 * random(), 20 * random(), 6 * random()] as const;
  return (x, y, c) => 128 + 120 * Math.sin(fx * x + phase + c) * Math.cos(fy * y - c);
}

/** Eyes, nose and mouth as soft spots on an oval of skin. Colours 0..255, one a channel. */
function face(skin: readonly number[], feature: readonly number[], background: number): Picture {
  // Centre and radii in pixels of ArcFace's 112 x 112.
  const spots = [
    [38.3, 51.7, 8, 4],
    [73.5, 51.5, 8, 4],
    [56, 71.7, 4, 5],
    [56.2, 92.3, 15, 4],
  ] as const;
  const near = (x: number, y: number, [cx, cy, rx, ry]: readonly [number, number, number, number]) =>
    Math.exp(-(((112 * x - cx) / rx) ** 2) - ((112 * y - cy) / ry) ** 2);
  return (x, y, c) => {
    const inside = 1 / (1 + Math.exp(20 * (((x - 0.5) / 0.42) ** 2 + ((y - 0.55) / 0.55) ** 2 - 1)));
    const dark = Math.max(...spots.map((spot) => near(x, y, spot)));
    const light = (skin[c] ?? 0) * (1.1 - 0.2 * x);
    return background + inside * (light + dark * ((feature[c] ?? 0) - light) - background);
  };
}
