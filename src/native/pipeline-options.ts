/** Pixels of the upright image (after EXIF orientation), from its top left corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type PerChannel = number | readonly [number, number, number];

/** `value = (pixel - mean) * scale`, with channels in the given order. */
export interface NetworkInput {
  readonly width: number;
  readonly height: number;
  readonly channels: 'RGB' | 'BGR' | 'GREY';
  readonly mean: PerChannel;
  readonly scale: PerChannel;
}

export const DETECTOR_DECODERS = ['rfb', 'yunet', 'scrfd', 'retinaface'] as const;
export type DetectorDecoder = (typeof DETECTOR_DECODERS)[number];

/** Pipeline options as in the manifest, with absolute file paths. */
export interface PipelineOptions {
  readonly detector: {
    readonly file: string;
    readonly decoder: DetectorDecoder;
    /** Input of the first pass; a fixed-size network accepts no other size. */
    readonly input: NetworkInput;
    /** Widths from forehead to chin that the detector finds reliably, in input pixels. */
    readonly faceWidths: { readonly least: number; readonly most: number };
    /** Minimum detection score, 0..1. */
    readonly scoreThreshold: number;
    /** Detects small candidates with these scores again at a larger scale. Default: none. */
    readonly doubtful?: { readonly from: number; readonly to: number };
    /** Fits boxes to forehead, chin and ears: moves the centre by shares of the box, then multiplies its size. */
    readonly boxFit?: Box;
    /** Boxes with a larger intersection over union are the same face. */
    readonly nmsIou: number;
  };
  readonly landmarks: {
    readonly file: string;
    readonly decoder: 'points68';
    readonly input: NetworkInput;
    /** Scales the box about its centre, cuts it to the image and stretches it to the input. */
    readonly cropScale: number;
    /** Averages three runs: the box, then a crop around the landmarks, plain and mirrored. Default false. */
    readonly secondLook?: boolean;
  };
  readonly embedder: {
    readonly file: string;
    /** Aligns by ArcFace's five points, or by an upright square around the box's centre. */
    readonly alignment: 'arcface5' | 'box';
    /** For `box`: side over the box's longer side. Default 1. */
    readonly cropScale?: number;
    readonly input: NetworkInput;
    /** The network runs once per view; the template sums the embeddings. Default: `{ context: 1, mirrored: false }`. */
    readonly views?: readonly FaceView[];
    readonly dimension: number;
  };
  readonly pose?: {
    readonly file: string;
    /** 66 bins each for yaw, pitch and roll. */
    readonly decoder: 'bins66';
    readonly input: NetworkInput;
    /** Same as for `landmarks`. */
    readonly cropScale: number;
  };
  readonly liveness?: {
    readonly file: string;
    readonly input: NetworkInput;
    /** Scales the box's longer side to a square crop, limited by the image. */
    readonly cropScale: number;
    /** Classes in output order; `other` is an unnamed attack. */
    readonly classes: readonly LivenessClass[];
    /** Minimum probability of `live`, 0..1. */
    readonly threshold: number;
  };
}

/** Shows `context` times the aligned face's width and height, about its centre. */
export interface FaceView {
  readonly context: number;
  readonly mirrored: boolean;
}

export type LivenessClass = 'live' | 'print' | 'replay' | 'other';
