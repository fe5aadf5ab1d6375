/**
 * The same task without Visage: sharp decodes and resizes, and onnxruntime-node runs the networks
 * of `faceplugin`. One image size, no limits.
 */
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp, { type Sharp } from 'sharp';
import { packFolder } from '../../src/vision/model-pack.ts';
import type { Recogniser } from './recogniser.ts';

const DETECTOR = { width: 320, height: 240 } as const;
const LEAST_SCORE = 0.85;
const LANDMARKS = 64;
const FACE = 112;
const TEMPLATE = [
  [38.2946, 51.6963],
  [73.5318, 51.5014],
  [56.0252, 71.7366],
  [41.5493, 92.3655],
  [70.7299, 92.2041],
] as const;
const FIVE = [
  [36, 41],
  [42, 47],
  [30, 30],
  [48, 48],
  [54, 54],
] as const;

type Point = readonly [x: number, y: number];

interface Picture {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

export interface Runs {
  readonly landmarks: number;
  readonly embedder: number;
}

/** @param runs repeats the work as often as a pack's further looks do. */
export async function plain({ landmarks, embedder }: Runs): Promise<Recogniser> {
  const open = (file: string) => InferenceSession.create(join(packFolder('faceplugin'), file));
  const [detection, points, embedding] = await Promise.all([
    open('fr_detect.onnx'),
    open('fr_landmark.onnx'),
    open('fr_feature.onnx'),
  ]);
  return async (jpeg) => {
    const { data, info } = await sharp(jpeg).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const picture: Picture = { data, width: info.width, height: info.height };
    const box = await largestFace(detection, picture);
    if (!box) return null;
    let five: Point[] = [];
    for (let i = 0; i < landmarks; i++) five = await fivePoints(points, picture, box);
    let template = new Float32Array();
    for (let i = 0; i < embedder; i++) {
      const { output } = await embedding.run({ input: aligned(picture, five) });
      template = (output as Tensor).data as Float32Array<ArrayBuffer>;
    }
    const length = Math.hypot(...template);
    return template.map((value) => value / length);
  };
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

async function largestFace(session: InferenceSession, picture: Picture): Promise<Box | null> {
  const { data } = await raw(picture)
    .resize(DETECTOR.width, DETECTOR.height, { fit: 'fill', kernel: 'linear' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const plane = DETECTOR.width * DETECTOR.height;
  const input = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) input[c * plane + i] = ((data[3 * i + c] as number) - 127) / 128;
  }
  const { scores, boxes } = await session.run({
    input: new Tensor('float32', input, [1, 3, DETECTOR.height, DETECTOR.width]),
  });
  const score = (scores as Tensor).data as Float32Array;
  const corner = (boxes as Tensor).data as Float32Array;
  // Boxes of one face are close to each other, so the largest face's best box is good enough.
  let best: Box | null = null;
  for (let i = 0; i < score.length / 2; i++) {
    if ((score[2 * i + 1] as number) < LEAST_SCORE) continue;
    const [x1, y1, x2, y2] = corner.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const width = (x2 - x1) * picture.width;
    const height = (y2 - y1) * picture.height;
    if (!best || width * height > best.width * best.height) {
      best = { left: x1 * picture.width, top: y1 * picture.height, width, height };
    }
  }
  return best;
}

async function fivePoints(session: InferenceSession, picture: Picture, box: Box): Promise<Point[]> {
  const grown = 1.05;
  const x = box.left - ((grown - 1) / 2) * box.width;
  const y = box.top - ((grown - 1) / 2) * box.height;
  const left = Math.max(0, Math.floor(x));
  const top = Math.max(0, Math.floor(y));
  const width = Math.min(picture.width, Math.ceil(x + grown * box.width)) - left;
  const height = Math.min(picture.height, Math.ceil(y + grown * box.height)) - top;
  const { data } = await raw(picture)
    .extract({ left, top, width, height })
    .resize(LANDMARKS, LANDMARKS, { fit: 'fill', kernel: 'linear' })
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const input = Float32Array.from(data as Uint8Array, (value) => value / 256);
  const { output } = await session.run({
    input: new Tensor('float32', input, [1, 1, LANDMARKS, LANDMARKS]),
  });
  const all = (output as Tensor).data as Float32Array;
  return FIVE.map(([first, last]): Point => {
    let sumX = 0;
    let sumY = 0;
    for (let i = first; i <= last; i++) {
      sumX += all[2 * i] as number;
      sumY += all[2 * i + 1] as number;
    }
    const count = last - first + 1;
    return [left + (sumX / count) * width, top + (sumY / count) * height];
  });
}

function aligned({ data, width, height }: Picture, points: readonly Point[]): Tensor {
  const middle = (of: readonly Point[], axis: 0 | 1) => of.reduce((sum, p) => sum + p[axis], 0) / of.length;
  const [fromX, fromY] = [middle(TEMPLATE, 0), middle(TEMPLATE, 1)];
  const [toX, toY] = [middle(points, 0), middle(points, 1)];
  let along = 0;
  let across = 0;
  let variance = 0;
  for (const [i, [tx, ty]] of TEMPLATE.entries()) {
    const [px, py] = points[i] as Point;
    const [x, y, u, v] = [tx - fromX, ty - fromY, px - toX, py - toY];
    along += x * u + y * v;
    across += x * v - y * u;
    variance += x * x + y * y;
  }
  const [a, b] = [along / variance, across / variance];
  const plane = FACE * FACE;
  const input = new Float32Array(3 * plane);
  for (let y = 0; y < FACE; y++) {
    for (let x = 0; x < FACE; x++) {
      const px = Math.min(Math.max(toX + a * (x - fromX) - b * (y - fromY) - 0.5, 0), width - 1.001);
      const py = Math.min(Math.max(toY + b * (x - fromX) + a * (y - fromY) - 0.5, 0), height - 1.001);
      const [left, top] = [Math.floor(px), Math.floor(py)];
      const [right, lower] = [px - left, py - top];
      const at = 3 * (top * width + left);
      for (let c = 0; c < 3; c++) {
        const above = (data[at + c] as number) * (1 - right) + (data[at + 3 + c] as number) * right;
        const below =
          (data[at + 3 * width + c] as number) * (1 - right) +
          (data[at + 3 * width + 3 + c] as number) * right;
        input[(2 - c) * plane + y * FACE + x] = (above * (1 - lower) + below * lower - 127.5) / 128;
      }
    }
  }
  return new Tensor('float32', input, [1, 3, FACE, FACE]);
}

function raw({ data, width, height }: Picture): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}
