import { type Caller, tenantOf } from '../api/caller.ts';
import type { ImageInput } from '../api/route.ts';
import type { Row } from '../native/gallery-index.ts';
import type { Analysis, AnalysisRequest, AnalyzedFace, Pose } from '../native/pipeline.ts';
import type { Box } from '../native/pipeline-options.ts';
import type { FaceRecord } from '../store/records.ts';
import { type LivenessVerdict, livenessOf } from '../vision/liveness.ts';
import { type Doubts, doubtsOf, type Quality, qualityOf } from '../vision/quality.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import type { ImageRequest } from './requests.ts';

export const LANDMARKS = ['eyeLeft', 'eyeRight', 'nose', 'mouthLeft', 'mouthRight'] as const;

/** Pixels of the upright image, one decimal. */
export interface Landmark {
  readonly type: (typeof LANDMARKS)[number];
  readonly x: number;
  readonly y: number;
}

export interface VisibleFace {
  /** 0..1, four decimals. */
  readonly confidence: number;
  /** Whole pixels inside the upright image. */
  readonly boundingBox: Box;
  readonly landmarks?: readonly Landmark[];
  /** Degrees, one decimal; null without a pose network. */
  readonly pose?: Pose | null;
  readonly quality?: Quality;
}

export interface FaceAnalysis {
  readonly face: VisibleFace | null;
  readonly hasFace: boolean;
  readonly unprocessedFaceCount: number;
}

/** `quality`, `liveness` and `crop` are null if not requested. */
export interface Probe {
  readonly recognizer: Recognizer;
  readonly face: VisibleFace;
  readonly row: Row;
  readonly doubts: Doubts;
  readonly quality: Quality | null;
  readonly liveness: LivenessVerdict | null;
  /** JPEG. */
  readonly crop: Buffer | null;
  /** By the second version during a migration; null without one, or if it finds another face. */
  readonly second: SecondRow | null;
}

export interface SecondRow {
  readonly recognizer: Recognizer;
  readonly row: Row;
}

interface AnalysisOptions {
  readonly quality?: boolean;
  readonly liveness?: boolean;
  readonly crop?: boolean;
  readonly second?: Recognizer | null;
}

/**
 * Frees the image's bytes after the analysis.
 * @throws as `Recognizer.analyze`.
 */
export async function analyzeFor(
  caller: Caller,
  recognizer: Recognizer,
  { data, encoding, release }: ImageInput,
  request: AnalysisRequest,
): Promise<Analysis> {
  try {
    return await recognizer.analyze(data, encoding, request, tenantOf(caller));
  } finally {
    release?.();
  }
}

/** @throws as `Recognizer.analyze`. */
export async function analyzeLargestFace(
  caller: Caller,
  recognizer: Recognizer,
  image: ImageInput,
  { attributes, minFaceSize }: ImageRequest,
  { quality = false, liveness = false, crop = false, second = null }: AnalysisOptions = {},
): Promise<{ faceAnalysis: FaceAnalysis; probe: Probe | null }> {
  const isDescribed = attributes === 'all';
  const request: AnalysisRequest = {
    attributes: isDescribed || quality,
    liveness,
    crops: crop ? 1 : 0,
    minFaceSize,
    largestOnly: minFaceSize === undefined,
  };
  const { release, ...held } = image;
  const { analysis, other } = await analyzeTwice(caller, recognizer, second, held, request).finally(release);
  const { faces, template, liveness: frame } = analysis;
  const [largest] = faces;
  if (!largest || !template) {
    return { faceAnalysis: { face: null, hasFace: false, unprocessedFaceCount: 0 }, probe: null };
  }
  const face = visibleFace(analysis, 0, isDescribed);
  return {
    faceAnalysis: { face, hasFace: true, unprocessedFaceCount: faces.length - 1 },
    probe: {
      recognizer,
      face,
      row: recognizer.space.row(template),
      doubts: doubtsOf(largest),
      quality: request.attributes ? qualityOf(analysis, 0) : null,
      liveness: frame && recognizer.liveness ? livenessOf([frame], recognizer.liveness) : null,
      crop: (crop && analysis.crops[0]) || null,
      second: other,
    },
  };
}

async function analyzeTwice(
  caller: Caller,
  recognizer: Recognizer,
  second: Recognizer | null,
  image: ImageInput,
  request: AnalysisRequest,
): Promise<{ readonly analysis: Analysis; readonly other: SecondRow | null }> {
  const analysis = await analyzeFor(caller, recognizer, image, request);
  const [face] = analysis.faces;
  if (!second || !face || !analysis.template) return { analysis, other: null };
  if (second.sharesTemplates(recognizer)) {
    return { analysis, other: { recognizer: second, row: second.space.row(analysis.template) } };
  }
  const again = await analyzeFor(caller, second, image, {
    minFaceSize: request.minFaceSize,
    largestOnly: true,
  });
  const [found] = again.faces;
  const isSame = found && isSameFace(found.box, face.box);
  return {
    analysis,
    other: isSame && again.template ? { recognizer: second, row: second.space.row(again.template) } : null,
  };
}

const SAME_FACE = 0.3;

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const common = Math.max(width, 0) * Math.max(height, 0);
  return common / (a.width * a.height + b.width * b.height - common);
}

export function isSameFace(a: Box, b: Box): boolean {
  return overlap(a, b) >= SAME_FACE;
}

/**
 * Makes templates of all faces.
 * @throws as `Recognizer.analyze`.
 */
export async function analyzeFaces(
  caller: Caller,
  recognizer: Recognizer,
  image: ImageInput,
  { attributes, minFaceSize, maxFaces }: ImageRequest & { readonly maxFaces: number },
  crop: boolean,
): Promise<{ readonly probes: readonly Probe[]; readonly unprocessedFaceCount: number }> {
  const isDescribed = attributes === 'all';
  const analysis = await analyzeFor(caller, recognizer, image, {
    templates: maxFaces,
    attributes: isDescribed,
    crops: crop ? maxFaces : 0,
    minFaceSize,
  });
  const probes = analysis.templates.map((template, i) => {
    const found = analysis.faces[i] as AnalyzedFace;
    return {
      recognizer,
      face: visibleFace(analysis, i, isDescribed),
      row: recognizer.space.row(template),
      doubts: doubtsOf(found),
      quality: isDescribed ? qualityOf(analysis, i) : null,
      liveness: null,
      crop: analysis.crops[i] ?? null,
      second: null,
    };
  });
  return { probes, unprocessedFaceCount: analysis.faces.length - probes.length };
}

export function visibleFace(analysis: Analysis, index: number, attributes: boolean): VisibleFace {
  const face = analysis.faces[index];
  if (!face) throw new RangeError(`expected a face index below ${analysis.faces.length}, got ${index}`);
  const { confidence, box, landmarks, pose } = face;
  const seen = { confidence: rounded(confidence, 4), boundingBox: wholePixels(box, analysis) };
  if (!attributes || !landmarks) return seen;
  return {
    ...seen,
    landmarks: LANDMARKS.map((type, i) => {
      return { type, x: rounded(landmarks[2 * i] ?? 0, 1), y: rounded(landmarks[2 * i + 1] ?? 0, 1) };
    }),
    pose: pose && { yaw: rounded(pose.yaw, 1), pitch: rounded(pose.pitch, 1), roll: rounded(pose.roll, 1) },
    quality: qualityOf(analysis, index),
  };
}

function rounded(value: number, decimals: number): number {
  return Math.round(value * 10 ** decimals) / 10 ** decimals;
}

/** At least one pixel wide and high, inside the image. */
function wholePixels({ x, y, width, height }: Box, image: Pick<Analysis, 'width' | 'height'>): Box {
  const [left, right] = wholeSpan(x, width, image.width);
  const [top, bottom] = wholeSpan(y, height, image.height);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function wholeSpan(start: number, length: number, limit: number): [number, number] {
  const first = Math.min(Math.max(Math.round(start), 0), limit - 1);
  const end = Math.min(Math.max(Math.round(start + length), first + 1), limit);
  return [first, end];
}

export function storedQuality({ quality }: FaceRecord): Quality | null {
  return (quality as Quality | undefined) ?? null;
}

export function storedFace(face: FaceRecord, attributes: 'none' | 'all'): VisibleFace {
  const quality = attributes === 'all' ? storedQuality(face) : null;
  return { confidence: face.confidence, boundingBox: face.box, ...(quality ? { quality } : {}) };
}
