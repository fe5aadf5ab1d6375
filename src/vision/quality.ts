import type { Analysis, AnalyzedFace, Box } from '../native.ts';

/** What makes a face less fit for recognition. */
export type QualityReason =
  | 'SMALL_FACE'
  | 'LOW_SHARPNESS'
  | 'LOW_LIGHT'
  | 'OVEREXPOSED'
  | 'EXTREME_POSE'
  | 'TRUNCATED_FACE'
  | 'MULTIPLE_FACES';

/** How fit a face is for recognition. */
export interface Quality {
  /** 0..100. */
  readonly score: number;
  /** What lowers it most comes first. */
  readonly reasons: readonly QualityReason[];
}

/** A measure's values that stand for 0 and for 100; straight between them and flat beyond. */
interface Ramp {
  readonly worst: number;
  readonly best: number;
}

/** Pixels between the eyes. */
const EYE_DISTANCE: Ramp = { worst: 10, best: 40 };
/** Variance of the Laplacian. */
const SHARPNESS: Ramp = { worst: 5, best: 80 };
/** Mean light. */
const LIGHT: Ramp = { worst: 15, best: 60 };
/** Share of pixels that are blown out. */
const OVEREXPOSURE: Ramp = { worst: 0.6, best: 0.1 };
/** Degrees from looking into the camera: the larger of yaw's and pitch's size. */
const POSE: Ramp = { worst: 90, best: 30 };
/** Share of the face's box, grown a little, that lies beyond the picture's edge. */
const TRUNCATION: Ramp = { worst: 0.3, best: 0.05 };
/** Area of the next face over this one's. */
const COMPANY: Ramp = { worst: 1, best: 0.5 };

/** A part of the score below this is given as a reason. */
const REASON_BELOW = 50;

/**
 * The quality of one face of a picture that was analysed with `attributes`.
 * @param index of a face that was described.
 * @throws Error if its landmarks or measures were not made.
 */
export function qualityOf(analysis: Analysis, index: number): Quality {
  const face = analysis.faces[index];
  if (!face?.landmarks || !face.measures) {
    throw new Error('Quality needs a face that was described with attributes');
  }
  const { sharpness, light, overexposed } = face.measures;
  const parts: [QualityReason, number][] = [
    ['SMALL_FACE', grade(eyeDistance(face.landmarks), EYE_DISTANCE)],
    ['LOW_SHARPNESS', grade(sharpness, SHARPNESS)],
    ['LOW_LIGHT', grade(light, LIGHT)],
    ['OVEREXPOSED', grade(overexposed, OVEREXPOSURE)],
    ['EXTREME_POSE', grade(turned(face), POSE)],
    ['TRUNCATED_FACE', grade(beyondEdge(face.box, analysis), TRUNCATION)],
  ];
  const reasons = parts.filter(([, part]) => part < REASON_BELOW).sort(([, a], [, b]) => a - b);
  const score = Math.min(...parts.map(([, part]) => part));
  const others: QualityReason[] =
    grade(company(analysis, index), COMPANY) < REASON_BELOW ? ['MULTIPLE_FACES'] : [];
  return { score: Math.round(score), reasons: [...reasons.map(([reason]) => reason), ...others] };
}

function grade(value: number, { worst, best }: Ramp): number {
  return 100 * Math.min(1, Math.max(0, (value - worst) / (best - worst)));
}

function eyeDistance([leftX = 0, leftY = 0, rightX = 0, rightY = 0]: Float32Array): number {
  return Math.hypot(rightX - leftX, rightY - leftY);
}

function turned({ pose }: AnalyzedFace): number {
  return pose ? Math.max(Math.abs(pose.yaw), Math.abs(pose.pitch)) : 0;
}

/** Share of the box, grown by a tenth on each side, that the picture does not show. */
function beyondEdge({ x, y, width, height }: Box, picture: Analysis): number {
  const margin = 0.1;
  const inside = (start: number, length: number, end: number) =>
    Math.min(start + length * (1 + margin), end) - Math.max(start - length * margin, 0);
  const grown = width * height * (1 + 2 * margin) ** 2;
  return 1 - (inside(x, width, picture.width) * inside(y, height, picture.height)) / grown;
}

function company({ faces }: Analysis, index: number): number {
  const area = ({ box }: AnalyzedFace) => box.width * box.height;
  const others = faces.filter((_, i) => i !== index).map(area);
  const own = faces[index];
  return own ? Math.max(0, ...others) / area(own) : 0;
}
