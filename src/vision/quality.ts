/** After ISO/IEC 29794-5: a product of components 0..1, each a ramp over one measure. See `docs/quality.md`. */

import type { Analysis, AnalyzedFace, FaceMeasures } from '../native/pipeline.ts';
import type { Box } from '../native/pipeline-options.ts';

export const QUALITY_REASONS = [
  'SMALL_FACE',
  'LOW_SHARPNESS',
  'LOW_LIGHT',
  'OVEREXPOSED',
  'EXTREME_POSE',
  'TRUNCATED_FACE',
  /** Perhaps no face: the second opinion doubts it, or its landmarks are implausible. */
  'UNCERTAIN_FACE',
  /** Another face is nearly as large. Does not lower the score. */
  'MULTIPLE_FACES',
] as const;
export type QualityReason = (typeof QUALITY_REASONS)[number];

export interface Quality {
  /** 0..100. */
  readonly score: number;
  /** Largest reduction first. */
  readonly reasons: readonly QualityReason[];
}

/** Linear from `worst` (0) to `best` (1), clamped. */
interface Ramp {
  readonly worst: number;
  readonly best: number;
  readonly log?: boolean;
}

/** Pixels. The embedding network's input has 35. */
const EYE_DISTANCE: Ramp = { worst: 8, best: 36, log: true };
const SHARPNESS: Ramp = { worst: 0.01, best: 0.12, log: true };
/** Mean luma. A low `best` avoids penalising dark skin. */
const LIGHT: Ramp = { worst: 15, best: 60 };
const UNDEREXPOSURE: Ramp = { worst: 0.5, best: 0.05 };
const OVEREXPOSURE: Ramp = { worst: 0.5, best: 0.03 };
/** Alignment corrects roll. */
const YAW: Ramp = { worst: 80, best: 25 };
const PITCH: Ramp = { worst: 60, best: 25 };
const ROLL: Ramp = { worst: 70, best: 10 };
/** Mean pitch of LFW under the default pack, degrees. */
const LEVEL_PITCH = -7;
/** Share of the box plus margin outside the image that halves the component. */
const HALVING_TRUNCATION = 0.08;
const EDGE_MARGIN = 0.1;
const CERTAINTY: Ramp = { worst: 0.7, best: 1 };
const LANDMARK_DEVIATION: Ramp = { worst: 0.48, best: 0.11 };

const REASON_BELOW = 0.5;
/** Blur that makes templates of strangers resemble each other. */
const DOUBTFUL_BELOW = 0.1;
const AMBIGUOUS_AREA_RATIO = 0.5;

/** ArcFace's five points (J. Deng et al., 2019), centred, over the eye distance. */
const MEAN_FACE = [
  [-0.503, -0.573],
  [0.497, -0.579],
  [0, -0.005],
  [-0.411, 0.581],
  [0.417, 0.576],
] as const;

/** @throws Error for faces analysed without `attributes`. */
export function qualityOf(analysis: Analysis, index: number): Quality {
  const face = analysis.faces[index];
  if (!face?.landmarks || !face.measures) {
    throw new Error('Quality needs the landmarks and measures of the face: analyze it with attributes');
  }
  const { sharpness, overexposed } = face.measures;
  const components: [QualityReason, number][] = [
    ['SMALL_FACE', grade(eyeDistance(face.landmarks), EYE_DISTANCE)],
    ['LOW_SHARPNESS', grade(sharpness, SHARPNESS)],
    ['LOW_LIGHT', illumination(face.measures)],
    ['OVEREXPOSED', grade(overexposed, OVEREXPOSURE)],
    ['EXTREME_POSE', frontality(face)],
    ['TRUNCATED_FACE', 1 / (1 + truncatedShare(face.box, analysis) / HALVING_TRUNCATION)],
    ['UNCERTAIN_FACE', certaintyOf(face)],
  ];
  const reasons = components
    .filter(([, component]) => component < REASON_BELOW)
    .sort(([, a], [, b]) => a - b);
  const score = components.reduce((product, [, component]) => product * component, 1);
  return {
    score: Math.round(100 * score),
    reasons: [
      ...reasons.map(([reason]) => reason),
      ...(nextAreaRatio(analysis, index) >= AMBIGUOUS_AREA_RATIO ? (['MULTIPLE_FACES'] as const) : []),
    ],
  };
}

/** Needs no attributes. */
export interface Doubts {
  readonly isUncertain: boolean;
  readonly isDoubtful: boolean;
}

export function doubtsOf(face: AnalyzedFace): Doubts {
  const isUncertain = certaintyOf(face) < REASON_BELOW;
  const isBlurred = face.measures !== null && grade(face.measures.sharpness, SHARPNESS) < DOUBTFUL_BELOW;
  return { isUncertain, isDoubtful: isUncertain || isBlurred };
}

/** Approximates `doubtsOf` for faces stored without it. */
export function isDoubtfulQuality({
  score,
  reasons,
}: {
  score: number;
  reasons: readonly string[];
}): boolean {
  const isBlurred = reasons.includes('LOW_SHARPNESS') && score < 100 * DOUBTFUL_BELOW;
  return isBlurred || reasons.includes('UNCERTAIN_FACE');
}

function certaintyOf({ certainty, landmarks }: AnalyzedFace): number {
  const shape = landmarks ? grade(landmarkDeviation(landmarks), LANDMARK_DEVIATION) : 1;
  return Math.min(grade(certainty, CERTAINTY), shape);
}

function grade(value: number, { worst, best, log = false }: Ramp): number {
  const share = log
    ? Math.log(Math.max(value, worst) / worst) / Math.log(best / worst)
    : (value - worst) / (best - worst);
  return Math.min(1, Math.max(0, share));
}

function illumination({ light, underexposed }: FaceMeasures): number {
  return Math.min(grade(light, LIGHT), grade(underexposed, UNDEREXPOSURE));
}

function frontality({ pose }: AnalyzedFace): number {
  if (!pose) return 1;
  const { yaw, pitch, roll } = pose;
  return Math.min(
    grade(Math.abs(yaw), YAW),
    grade(Math.abs(pitch - LEVEL_PITCH), PITCH),
    grade(Math.abs(roll), ROLL),
  );
}

function eyeDistance([leftX = 0, leftY = 0, rightX = 0, rightY = 0]: Float32Array): number {
  return Math.hypot(rightX - leftX, rightY - leftY);
}

/** Least squares (S. Umeyama, 1991). */
function landmarkDeviation(landmarks: Float32Array): number {
  const points = MEAN_FACE.map((_, i) => [landmarks[2 * i] ?? 0, landmarks[2 * i + 1] ?? 0] as const);
  const middle = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis] / points.length, 0);
  const [x0, y0] = [middle(0), middle(1)];
  const sums = { along: 0, across: 0, mean: 0, own: 0 };
  for (const [i, [x, y]] of points.entries()) {
    const [u, v] = MEAN_FACE[i] ?? [0, 0];
    sums.along += u * (x - x0) + v * (y - y0);
    sums.across += u * (y - y0) - v * (x - x0);
    sums.mean += u * u + v * v;
    sums.own += (x - x0) ** 2 + (y - y0) ** 2;
  }
  const explained = (sums.along ** 2 + sums.across ** 2) / sums.mean;
  const size = Math.sqrt(explained / sums.mean);
  return size > 0 ? Math.sqrt(Math.max(0, sums.own - explained) / points.length) / size : Infinity;
}

function truncatedShare({ x, y, width, height }: Box, image: Analysis): number {
  const shown = (start: number, length: number, end: number) =>
    Math.max(
      0,
      Math.min(start + length * (1 + EDGE_MARGIN), end) - Math.max(start - length * EDGE_MARGIN, 0),
    );
  const whole = width * height * (1 + 2 * EDGE_MARGIN) ** 2;
  return 1 - (shown(x, width, image.width) * shown(y, height, image.height)) / whole;
}

function nextAreaRatio({ faces }: Analysis, index: number): number {
  const area = ({ box }: AnalyzedFace) => box.width * box.height;
  const own = faces[index];
  const others = faces.filter((_, i) => i !== index);
  return own ? Math.max(0, ...others.map(area)) / area(own) : 0;
}
