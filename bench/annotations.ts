/** Boxes drawn by eye, from the hairline to the chin and from ear to ear, in pixels of the upright image. */

import { readFileSync } from 'node:fs';
import type { Box } from '../src/native/pipeline-options.ts';

const FOLDER = new URL('../../test/fixtures/annotations/', import.meta.url);

export function annotated(set: 'samples' | 'group'): ReadonlyMap<string, readonly Box[]> {
  const boxes = JSON.parse(readFileSync(new URL(`${set}.json`, FOLDER), 'utf8')) as Record<string, Box[]>;
  return new Map(Object.entries(boxes));
}

export function judgedByEye(): ReadonlyMap<string, readonly string[]> {
  return new Map(Object.entries(JSON.parse(readFileSync(new URL('lfw-by-eye.json', FOLDER), 'utf8'))));
}

/** Intersection over union of two boxes, 0..1. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const both = Math.max(width, 0) * Math.max(height, 0);
  return both / (a.width * a.height + b.width * b.height - both);
}
