import type { FaceRecord } from '../store/records.ts';
import type { Quality } from '../vision/quality.ts';
import type { VisibleFace } from './sighting.ts';

/** The quality that was stored with a face; null where it was not measured then. */
export function storedQuality({ quality }: FaceRecord): Quality | null {
  return (quality as Quality | undefined) ?? null;
}

/** A stored face as answers show it. Its landmarks and pose are not kept. */
export function storedFace(face: FaceRecord, attributes: 'none' | 'all'): VisibleFace {
  const quality = attributes === 'all' ? storedQuality(face) : null;
  return { confidence: face.confidence, boundingBox: face.box, ...(quality ? { quality } : {}) };
}
