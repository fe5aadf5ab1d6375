import { addon, withCallerStack } from './addon.ts';
import type { DeviceOptions } from './device.ts';
import type { Executor } from './executor.ts';
import type { Box, PipelineOptions } from './pipeline-options.ts';

/** Degrees; 0 looks into the camera. */
export interface Pose {
  /** Positive towards the right, as seen with the face upright. */
  readonly yaw: number;
  /** Positive upwards. */
  readonly pitch: number;
  /** Positive clockwise, as seen; -180..180. */
  readonly roll: number;
}

/** Of the aligned face, 112 x 112 pixels. Luma follows ITU-R BT.601, 0..255. */
export interface FaceMeasures {
  /** Variance of the Laplacian over that of the luma. */
  readonly sharpness: number;
  readonly light: number;
  readonly contrast: number;
  /** Share of pixels with luma up to 25. */
  readonly underexposed: number;
  /** Share of pixels with luma from 247. */
  readonly overexposed: number;
}

/** Null: not requested. */
export interface AnalyzedFace {
  readonly box: Box;
  /** The detector's score, 0..1. */
  readonly confidence: number;
  /** 0..1; the detector's score without a second opinion. */
  readonly certainty: number;
  /** (x, y) of left eye, right eye, nose tip, left and right mouth corner, as seen with the face upright. */
  readonly landmarks: Float32Array | null;
  readonly pose: Pose | null;
  readonly measures: FaceMeasures | null;
}

export interface AnalysisRequest {
  /** Largest faces that get landmarks. Default 1. */
  readonly described?: number;
  /** Of the largest face. */
  readonly template?: boolean;
  /** Largest faces that get a template; overrides `template`. */
  readonly templates?: number;
  /** Pose of faces with landmarks, and measures of those without a template. */
  readonly attributes?: boolean;
  /** Of the largest face; needs a `liveness` stage. */
  readonly liveness?: boolean;
  /** Largest faces that get a crop, up to 100. */
  readonly crops?: number;
  /**
   * Pixels, 16..8192; results may include smaller faces. Default 32; beyond 1920 pixels, a sixtieth of the
   * longer side of the image, or of a shorter 4:3 image with its area.
   */
  readonly minFaceSize?: number | undefined;
  /** Faster; smaller faces that are seen count too. */
  readonly largestOnly?: boolean;
}

export interface Analysis {
  readonly width: number;
  readonly height: number;
  readonly format: 'jpeg' | 'png' | 'webp' | 'bmp' | 'gif' | 'tiff' | 'jpeg2000' | 'heic' | 'avif';
  /** Certainty of at least 0.85 first, then the largest box. */
  readonly faces: readonly AnalyzedFace[];
  /** Unit vector of `faces[0]`. */
  readonly template: Float32Array | null;
  /** Unit vectors of the largest faces. */
  readonly templates: readonly Float32Array[];
  /** Of `faces[0]`: one probability per class, look after look. */
  readonly liveness: Float32Array | null;
  /**
   * JPEG without metadata, 224 x 224 pixels: a square around the box, 1.6 times its longer side, black outside
   * the image.
   */
  readonly crops: readonly Buffer[];
  /** Runs of the detector. */
  readonly looks: number;
  /** 0 if skipped. `align` finds landmarks; `embed` includes the warp. */
  readonly timings: {
    readonly queue: number;
    readonly decode: number;
    readonly detect: number;
    readonly align: number;
    readonly embed: number;
    readonly attributes: number;
    readonly liveness: number;
    readonly crop: number;
  };
}

/** Upright 8-bit RGB, without row padding. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  readonly format: Analysis['format'];
  readonly pixels: Uint8Array;
}

/** `base64`: standard or URL-safe, `data:` prefix allowed. */
export type ImageEncoding = 'binary' | 'base64';

/** Accounts, and an account's keys, share queue and threads fairly. */
export interface Tenant {
  readonly account: string;
  readonly key: string;
}

export interface Pipeline {
  /**
   * Borrows the bytes until the promise settles.
   * @param tenant default: the service.
   * @throws `INVALID_IMAGE`, `IMAGE_TOO_LARGE`, `UNSUPPORTED_IMAGE`, `OVERLOADED`, `NOT_READY`.
   */
  analyze(
    image: Uint8Array,
    encoding: ImageEncoding,
    request?: AnalysisRequest,
    tenant?: Tenant,
  ): Promise<Analysis>;
}

interface Exports {
  loadPipeline(executor: Executor, options: PipelineOptions, device?: DeviceOptions): Promise<Pipeline>;
  decodeImage(executor: Executor, image: Uint8Array, encoding: ImageEncoding): Promise<DecodedImage>;
}

/**
 * @param device default: the CPU. TensorRT needs a separate folder for each network.
 * @throws Error with file and reason.
 */
export async function loadPipeline(
  executor: Executor,
  options: PipelineOptions,
  device?: DeviceOptions,
): Promise<Pipeline> {
  const pipeline = await withCallerStack(addon<Exports>().loadPipeline(executor, options, device));
  return { analyze: (...image) => withCallerStack(pipeline.analyze(...image)) };
}

/**
 * Keeps the full size.
 * @throws as `Pipeline.analyze`.
 */
export function decodeImage(
  executor: Executor,
  image: Uint8Array,
  encoding: ImageEncoding = 'binary',
): Promise<DecodedImage> {
  return withCallerStack(addon<Exports>().decodeImage(executor, image, encoding));
}
