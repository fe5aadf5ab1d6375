/** Pixels of the upright image. */
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

export interface PipelineOptions {
  readonly detector: {
    readonly file: string;
    readonly decoder: DetectorDecoder;
    /** A fixed-size network accepts no other size. */
    readonly input: NetworkInput;
    /** Reliable widths from forehead to chin, in input pixels. */
    readonly faceWidths: { readonly least: number; readonly most: number };
    /** 0..1. */
    readonly scoreThreshold: number;
    /**
     * Small candidates with these scores run again, enlarged; those narrower than 1.2 times `faceWidths.least` from
     * `smallFrom`, if given.
     */
    readonly doubtful?: { readonly from: number; readonly to: number; readonly smallFrom?: number };
    /** Moves the centre by shares of the box, then multiplies its size. */
    readonly boxFit?: Box;
    /** Boxes above it are the same face. */
    readonly nmsIou: number;
    /** Average the boxes of one face, weighted by score. */
    readonly averageBoxes?: boolean;
    readonly secondOpinion?: SecondOpinion;
  };
  readonly landmarks: {
    readonly file: string;
    readonly decoder: 'points68';
    readonly input: NetworkInput;
    /** About the box's centre; the crop is stretched to the input. */
    readonly cropScale: number;
    /** Averages the box, then a crop around the landmarks, plain and mirrored. */
    readonly secondLook?: boolean;
  };
  readonly embedder: {
    readonly file: string;
    /** By ArcFace's five points, or by an upright square around the box's centre. */
    readonly alignment: 'arcface5' | 'box';
    /** For `box`: side over the box's longer side. Default 1. */
    readonly cropScale?: number;
    readonly input: NetworkInput;
    /** The template sums the views' embeddings. */
    readonly views?: readonly FaceView[];
    readonly dimension: number;
  };
  readonly pose?: {
    readonly file: string;
    /** 66 bins each for yaw, pitch and roll. */
    readonly decoder: 'bins66';
    readonly input: NetworkInput;
    readonly cropScale: number;
  };
  /** Averages log-odds of `live` over those of the thresholds. Several may use one file. */
  readonly liveness?: readonly LivenessLook[];
}

export interface LivenessLook {
  readonly file: string;
  readonly input: NetworkInput;
  readonly crop: {
    /** `box`: the box's own proportions, stretched to the input. `square`: the box's longer side. */
    readonly mode: 'box' | 'square';
    readonly scale: number;
    /** `none`: the crop shrinks, then moves into the image. */
    readonly padding: 'none' | 'black';
  };
  /** In output order; `other` is an unnamed attack. */
  readonly classes: readonly LivenessClass[];
  /** Minimum probability of `live`, 0..1. */
  readonly threshold: number;
}

/**
 * Decides whether a detection with a score under `below` is a face, and which way up. The detector looks
 * again in detail, at four turns; the landmark network, which needs `secondLook`, compares the face with its
 * mirror image: `certainty = logistic(score * s + detail * d + landmarks * ln(disagreement) + bias)`.
 */
export interface SecondOpinion {
  readonly below: number;
  readonly score: number;
  readonly detail: number;
  readonly landmarks: number;
  readonly bias: number;
}

/** `context` times the aligned face's width and height. */
export interface FaceView {
  readonly context: number;
  readonly mirrored: boolean;
}

export type LivenessClass = 'live' | 'print' | 'replay' | 'other';
