/** What a picture shows, as answers say it. */
import type { ImageInput } from '../http/route.ts';
import type { Analysis, AnalysisRequest, Box, Pose } from '../native/pipeline.ts';
import { type LivenessVerdict, livenessOf } from '../vision/liveness.ts';
import { type Quality, qualityOf } from '../vision/quality.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import type { PictureRequest } from './requests.ts';

/** The five points of a face, left as seen in the picture, in the pipeline's order. */
export const LANDMARKS = ['eyeLeft', 'eyeRight', 'nose', 'mouthLeft', 'mouthRight'] as const;

/** One point of a face, in pixels of the upright picture, one decimal. */
export interface Landmark {
  readonly type: (typeof LANDMARKS)[number];
  readonly x: number;
  readonly y: number;
}

/** A face as answers show it; the optional parts where they were asked for. */
export interface VisibleFace {
  /** 0..1, four decimals. */
  readonly confidence: number;
  /** Whole pixels inside the upright picture. */
  readonly boundingBox: Box;
  readonly landmarks?: readonly Landmark[];
  /** Degrees, one decimal; null where the model pack has no network for it. */
  readonly pose?: Pose | null;
  readonly quality?: Quality;
}

/** What every answer about a picture begins with. */
export interface Sighting {
  readonly face: VisibleFace | null;
  readonly hasFace: boolean;
  readonly unprocessedFaceCount: number;
}

/** The largest face of a picture, ready to be searched for or added. */
export interface Probe {
  /** Made the template. */
  readonly recognizer: Recognizer;
  readonly face: VisibleFace;
  readonly template: Float32Array;
  /** Null where it was not asked for. */
  readonly quality: Quality | null;
  /** Null where it was not asked for. */
  readonly liveness: LivenessVerdict | null;
}

/** What is looked for beside the face itself. */
export interface Look {
  /** Whether the quality is measured, shown or not. */
  readonly quality?: boolean;
  readonly liveness?: boolean;
}

/** Looks at a picture for its largest face. @throws VisageError as `Recognizer.analyze`. */
export async function seeLargest(
  recognizer: Recognizer,
  image: ImageInput,
  { attributes, minFaceSize }: PictureRequest,
  { quality = false, liveness = false }: Look = {},
): Promise<{ sighting: Sighting; probe: Probe | null }> {
  const isDescribed = attributes === 'all';
  const request: AnalysisRequest = {
    attributes: isDescribed || quality,
    liveness,
    minFaceSize,
    largestOnly: minFaceSize === undefined,
  };
  const analysis = await recognizer.analyze(image.data, image.encoding, request);
  const { faces, template, liveness: frame } = analysis;
  if (faces.length === 0 || !template) {
    return { sighting: { face: null, hasFace: false, unprocessedFaceCount: 0 }, probe: null };
  }
  const face = visibleFace(analysis, 0, isDescribed);
  return {
    sighting: { face, hasFace: true, unprocessedFaceCount: faces.length - 1 },
    probe: {
      recognizer,
      face,
      template,
      quality: request.attributes ? qualityOf(analysis, 0) : null,
      liveness: frame && recognizer.liveness ? livenessOf([frame], recognizer.liveness) : null,
    },
  };
}

/**
 * One face of a picture.
 * @param attributes whether it is shown with everything; the analysis must have made that.
 */
export function visibleFace(analysis: Analysis, index: number, attributes: boolean): VisibleFace {
  const face = analysis.faces[index];
  if (!face) throw new RangeError(`The picture has no face ${index}`);
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

/** A box in whole pixels, at least one wide and high, inside the picture. */
function wholePixels({ x, y, width, height }: Box, picture: Pick<Analysis, 'width' | 'height'>): Box {
  const [left, right] = wholeSpan(x, width, picture.width);
  const [top, bottom] = wholeSpan(y, height, picture.height);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function wholeSpan(start: number, length: number, limit: number): [number, number] {
  const first = Math.min(Math.max(Math.round(start), 0), limit - 1);
  const end = Math.min(Math.max(Math.round(start + length), first + 1), limit);
  return [first, end];
}
