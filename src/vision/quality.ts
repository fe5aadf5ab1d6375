/**
 * How fit a face is for recognition, from what can be measured (in the manner of ISO/IEC 29794-5). The score is the
 * product of parts, each of which runs from 0 to 1 between two values of a measure: `docs/quality.md` says how much
 * fewer false non-matches are left where the worst are refused, and `npm run bench:quality` shows it.
 */
import type { Analysis, AnalyzedFace, Box, FaceMeasures } from '../native/pipeline.ts';

/** What makes a face less fit for recognition. */
export const QUALITY_REASONS = [
  'SMALL_FACE',
  'LOW_SHARPNESS',
  'LOW_LIGHT',
  'OVEREXPOSED',
  'EXTREME_POSE',
  'TRUNCATED_FACE',
  /** The detector is not sure, or the landmarks do not lie as a face's do: often something covers the face. */
  'UNCERTAIN_FACE',
  /** Another face is as large or nearly so: which one is meant? It does not lower the score. */
  'MULTIPLE_FACES',
] as const;
export type QualityReason = (typeof QUALITY_REASONS)[number];

/** How fit a face is for recognition. */
export interface Quality {
  /** 0..100. */
  readonly score: number;
  /** What lowers it most comes first. */
  readonly reasons: readonly QualityReason[];
}

/** A measure's values that stand for 0 and for 1, straight between them, flat beyond; `log` for ratios. */
interface Ramp {
  readonly worst: number;
  readonly best: number;
  readonly log?: boolean;
}

/** Pixels between the eyes. The embedder's input shows 35. */
const EYE_DISTANCE: Ramp = { worst: 8, best: 36, log: true };
/** Variance of the Laplacian over that of the light. */
const SHARPNESS: Ramp = { worst: 0.01, best: 0.12, log: true };
/** Mean light. It ends low, so that dark skin is not taken for little light. */
const LIGHT: Ramp = { worst: 15, best: 60 };
const UNDEREXPOSURE: Ramp = { worst: 0.5, best: 0.05 };
const OVEREXPOSURE: Ramp = { worst: 0.5, best: 0.03 };
/** Degrees. Roll is made up for by the alignment, as long as the face is found well. */
const YAW: Ramp = { worst: 80, best: 25 };
const PITCH: Ramp = { worst: 60, best: 25 };
const ROLL: Ramp = { worst: 70, best: 10 };
/** Pitch of people who look into a camera, as the default pack's network sees it (mean of LFW). */
const LEVEL_PITCH = -7;
/**
 * Share of the box, grown by {@link EDGE_MARGIN} on each side, that lies beyond the picture's edge and halves the part:
 * boxes end at the edge, so this is a little less than a box that touches it with one side has.
 */
const HALVING_TRUNCATION = 0.08;
const EDGE_MARGIN = 0.1;
const CONFIDENCE: Ramp = { worst: 0.7, best: 1 };
/** Distance of the landmarks from those of a mean face laid over them, root of the mean square, over its eye distance. */
const MISFIT: Ramp = { worst: 0.48, best: 0.11 };

/** A part below this is given as a reason. */
const REASON_BELOW = 0.5;
/** Area of the next face over this one's, from which on it is not clear who is meant. */
const COMPANY = 0.5;

/** ArcFace's five points (J. Deng et al., 2019), about their centre, over the distance between the eyes. */
const MEAN_FACE = [
  [-0.503, -0.573],
  [0.497, -0.579],
  [0, -0.005],
  [-0.411, 0.581],
  [0.417, 0.576],
] as const;

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
  const { sharpness, overexposed } = face.measures;
  const parts: [QualityReason, number][] = [
    ['SMALL_FACE', grade(eyeDistance(face.landmarks), EYE_DISTANCE)],
    ['LOW_SHARPNESS', grade(sharpness, SHARPNESS)],
    ['LOW_LIGHT', lit(face.measures)],
    ['OVEREXPOSED', grade(overexposed, OVEREXPOSURE)],
    ['EXTREME_POSE', frontal(face)],
    ['TRUNCATED_FACE', 1 / (1 + beyondEdge(face.box, analysis) / HALVING_TRUNCATION)],
    ['UNCERTAIN_FACE', Math.min(grade(face.confidence, CONFIDENCE), grade(misfit(face.landmarks), MISFIT))],
  ];
  const reasons = parts.filter(([, part]) => part < REASON_BELOW).sort(([, a], [, b]) => a - b);
  const score = parts.reduce((product, [, part]) => product * part, 1);
  return {
    score: Math.round(100 * score),
    reasons: [
      ...reasons.map(([reason]) => reason),
      ...(company(analysis, index) >= COMPANY ? (['MULTIPLE_FACES'] as const) : []),
    ],
  };
}

function grade(value: number, { worst, best, log = false }: Ramp): number {
  const share = log
    ? Math.log(Math.max(value, worst) / worst) / Math.log(best / worst)
    : (value - worst) / (best - worst);
  return Math.min(1, Math.max(0, share));
}

function lit({ light, underexposed }: FaceMeasures): number {
  return Math.min(grade(light, LIGHT), grade(underexposed, UNDEREXPOSURE));
}

function frontal({ pose }: AnalyzedFace): number {
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

/** Least squares over shift, turn and size (S. Umeyama, 1991). */
function misfit(landmarks: Float32Array): number {
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

/** Share of the box, with its margin, that the picture does not show. */
function beyondEdge({ x, y, width, height }: Box, picture: Analysis): number {
  const shown = (start: number, length: number, end: number) =>
    Math.max(
      0,
      Math.min(start + length * (1 + EDGE_MARGIN), end) - Math.max(start - length * EDGE_MARGIN, 0),
    );
  const whole = width * height * (1 + 2 * EDGE_MARGIN) ** 2;
  return 1 - (shown(x, width, picture.width) * shown(y, height, picture.height)) / whole;
}

function company({ faces }: Analysis, index: number): number {
  const area = ({ box }: AnalyzedFace) => box.width * box.height;
  const own = faces[index];
  const others = faces.filter((_, i) => i !== index);
  return own ? Math.max(0, ...others.map(area)) / area(own) : 0;
}
