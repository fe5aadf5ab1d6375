import { uniforms } from '../../base/random.ts';
import type { NetworkInput, PerChannel } from '../../native/pipeline-options.ts';
import { isOfAnySize } from './batch.ts';

const NOISE = 4;
const WAVES = 2;

/** 0..255 for channel `c`; x and y are 0..1 from the top left. */
type Pattern = (x: number, y: number, c: number) => number;

const STRIDE = 32;

export interface CheckInputs {
  /** In sequence, each channels x height x width. */
  readonly values: Float32Array;
  readonly shape: readonly [batch: 1, channels: number, height: number, width: number];
}

/**
 * Noise, waves, and two drawn faces at ArcFace's five points.
 * @param model may accept other sizes than `input`.
 */
export function checkInputs(input: NetworkInput, model: Uint8Array): CheckInputs {
  const { channels, mean, scale } = input;
  const { width, height } = isOfAnySize(model) ? wholeStrides(input) : input;
  const planes = channels === 'GREY' ? 1 : 3;
  const random = uniforms(20_261_122);
  const patterns: Pattern[] = [
    ...Array.from({ length: NOISE }, (): Pattern => () => 256 * random()),
    ...Array.from({ length: WAVES }, () => waves(random)),
    face([225, 172, 150], [90, 60, 50], 70),
    face([110, 75, 60], [30, 20, 20], 190),
  ];
  const values = new Float32Array(patterns.length * planes * height * width);
  const of = (value: PerChannel, c: number): number => (typeof value === 'number' ? value : (value[c] ?? 0));
  let at = 0;
  for (const pattern of patterns) {
    for (let c = 0; c < planes; c++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const pixel = Math.floor(pattern((x + 0.5) / width, (y + 0.5) / height, c));
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

function waves(random: () => number): Pattern {
  const [fx, fy, phase] = [20 * random(), 20 * random(), 6 * random()] as const;
  return (x, y, c) => 128 + 120 * Math.sin(fx * x + phase + c) * Math.cos(fy * y - c);
}

function face(skin: readonly number[], feature: readonly number[], background: number): Pattern {
  // ArcFace's 112 x 112 layout.
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
