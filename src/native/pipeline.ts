/** From the bytes of a picture to faces and a template. */
import { addon, crossing } from './addon.ts';
import type { DeviceOptions } from './device.ts';
import type { Executor } from './executor.ts';
import type { PipelineOptions } from './pipeline-options.ts';

/** Rectangle in pixels of the upright picture (after EXIF orientation); `x`, `y` is the top left corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where a face looks, in degrees; all 0 for one that looks into the camera. */
export interface Pose {
  /** Positive where the face looks to the right of the picture. */
  readonly yaw: number;
  /** Positive where the face looks up. */
  readonly pitch: number;
  /** Positive where the face is turned clockwise, as seen in the picture. */
  readonly roll: number;
}

/**
 * What is measured on the pixels of a face that was laid out upright, 112 x 112 pixels, so that nothing depends on how
 * large it is in its picture. Light is ITU-R BT.601 luma, 0..255.
 */
export interface FaceMeasures {
  /** Variance of the Laplacian over that of the light: 0 for no detail at all, whatever the contrast. */
  readonly sharpness: number;
  /** Mean light. */
  readonly light: number;
  /** Standard deviation of the light. */
  readonly contrast: number;
  /** Share of pixels, 0..1, with a light of at most 25 ... */
  readonly underexposed: number;
  /** ... and of at least 247. */
  readonly overexposed: number;
}

/** One face of a picture. What was not asked for is null. */
export interface AnalyzedFace {
  readonly box: Box;
  /** Detector's score, 0..1. */
  readonly confidence: number;
  /**
   * Ten numbers, (x, y) of left eye, right eye, nose tip, left and right mouth corner in pixels of the upright picture
   * (left as seen in the picture).
   */
  readonly landmarks: Float32Array | null;
  /** Of the pack's network; of the landmarks alone where it has none. */
  readonly pose: Pose | null;
  readonly measures: FaceMeasures | null;
}

/** What is to be found out about a picture, beside where its faces are. */
export interface AnalysisRequest {
  /** Faces, largest first, that get landmarks; 0 or more. Default 1. */
  readonly described?: number;
  /** Whether the largest face's template is made. Default true. */
  readonly template?: boolean;
  /** Whether pose and measures of every described face are made. Default false. */
  readonly attributes?: boolean;
  /** Whether the largest face is told from a picture of one; needs a pack with a `liveness` stage. Default false. */
  readonly liveness?: boolean;
  /**
   * Width in pixels of the upright picture from which on faces are looked for, 16..8192; smaller ones may be found.
   * Default 32, and in a picture of more than 1920 pixels a sixtieth of its longer side.
   */
  readonly minFaceSize?: number | undefined;
  /**
   * Whether only the largest face and those at least half as wide are looked for, which is quicker in large pictures;
   * smaller ones may be found. Default false.
   */
  readonly largestOnly?: boolean;
}

/** What the pipeline saw in one picture. */
export interface Analysis {
  /** Size of the upright picture in pixels. */
  readonly width: number;
  readonly height: number;
  readonly format: 'jpeg' | 'png' | 'webp' | 'bmp' | 'gif';
  /** Every face found, largest box area first; one that the picture's edge cuts is ranked as if it had three quarters. */
  readonly faces: readonly AnalyzedFace[];
  /** Unit vector of `faces[0]`, of the embedder's `dimension`. Null where there is no face or it was not asked for. */
  readonly template: Float32Array | null;
  /** Probability of each of the manifest's `liveness.classes` for `faces[0]`. Null as `template`. */
  readonly liveness: Float32Array | null;
  /** How many times the detector's network ran: once a window of a picture, and once a second look. */
  readonly looks: number;
  /**
   * Milliseconds from the call to its turn and in each stage; 0 for a stage that did not run. `align` is finding the
   * landmarks, `embed` includes laying the face out by them.
   */
  readonly timings: {
    readonly queue: number;
    readonly decode: number;
    readonly detect: number;
    readonly align: number;
    readonly embed: number;
    readonly attributes: number;
    readonly liveness: number;
  };
}

/** An upright picture: 8-bit RGB, three bytes a pixel, rows without padding. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  readonly format: Analysis['format'];
  /** `width * height * 3` bytes. */
  readonly pixels: Uint8Array;
}

/** How the bytes of a picture are written: as they are, or as base64 text (standard or URL-safe, `data:` prefix allowed). */
export type ImageEncoding = 'binary' | 'base64';

/** Decode, detect, align, embed, and what else is asked about a face. */
export interface Pipeline {
  /**
   * Finds every face of a picture and what `request` asks for. The bytes are borrowed until the promise settles and must
   * not change meanwhile.
   * @throws VisageError `INVALID_IMAGE`, `IMAGE_TOO_LARGE`, `UNSUPPORTED_IMAGE`, `OVERLOADED`, `NOT_READY`.
   */
  analyze(image: Uint8Array, encoding: ImageEncoding, request?: AnalysisRequest): Promise<Analysis>;
}

interface Part {
  loadPipeline(executor: Executor, options: PipelineOptions, device?: DeviceOptions): Promise<Pipeline>;
  decodeImage(executor: Executor, image: Uint8Array, encoding: ImageEncoding): Promise<DecodedImage>;
}

/**
 * Loads a pack's networks, on the executor.
 * @param device what runs them, the CPU by default. TensorRT keeps the engines that it makes of a network in its file's
 *   folder, which must be the network's own.
 * @throws Error naming the file that does not load and why.
 */
export async function loadPipeline(
  executor: Executor,
  options: PipelineOptions,
  device?: DeviceOptions,
): Promise<Pipeline> {
  const pipeline = await crossing(addon<Part>().loadPipeline(executor, options, device));
  return { analyze: (image, encoding, request) => crossing(pipeline.analyze(image, encoding, request)) };
}

/** Decodes a picture to upright RGB in full size, for tools and tests. Errors as {@link Pipeline.analyze}. */
export function decodeImage(
  executor: Executor,
  image: Uint8Array,
  encoding: ImageEncoding = 'binary',
): Promise<DecodedImage> {
  return crossing(addon<Part>().decodeImage(executor, image, encoding));
}
