/** What the pipeline is told of a model pack. */
import type { Box } from './pipeline.ts';

/** One number for all channels, or one for each of three. */
export type PerChannel = number | readonly [number, number, number];

/** Pre-processing of one network: `value = (pixel - mean) * scale`, channels in the order named; three numbers are one a channel. */
export interface NetworkInput {
  readonly width: number;
  readonly height: number;
  readonly channels: 'RGB' | 'BGR' | 'GREY';
  readonly mean: PerChannel;
  readonly scale: PerChannel;
}

/** Families of detectors whose outputs can be read. */
export const DETECTOR_DECODERS = ['rfb', 'yunet', 'scrfd', 'retinaface'] as const;
export type DetectorDecoder = (typeof DETECTOR_DECODERS)[number];

/** The stages of a model pack with absolute file paths; the manifest's own shape otherwise. */
export interface PipelineOptions {
  readonly detector: {
    readonly file: string;
    /** How the network's outputs are read. */
    readonly decoder: DetectorDecoder;
    /** A network of free size is first given the whole picture in this size; one of fixed size takes no other. */
    readonly input: NetworkInput;
    /** Widths of faces, forehead to chin boxes in pixels of the input, that the network finds reliably. */
    readonly faceWidths: { readonly least: number; readonly most: number };
    /** Least score, 0..1, of a face. */
    readonly scoreThreshold: number;
    /**
     * Scores of small candidates that are looked at a second time, larger, which decides; `from` may be below
     * `scoreThreshold`. Without it nothing is looked at twice.
     */
    readonly doubtful?: { readonly from: number; readonly to: number };
    /**
     * Makes the network's boxes go from the forehead to the chin and from ear to ear: the centre is moved by `x` and `y`,
     * shares of the box's width and height, which are then multiplied by `width` and `height`. Default: as they are.
     */
    readonly boxFit?: Box;
    /** Boxes whose intersection over union is above this are the same face. */
    readonly nmsIou: number;
  };
  readonly landmarks: {
    readonly file: string;
    readonly decoder: 'points68';
    readonly input: NetworkInput;
    /** The crop is the box grown by this factor about its centre, cut to the picture, stretched to the input. */
    readonly cropScale: number;
    /**
     * Whether the points are looked for again in a crop about themselves, as it is and mirrored, and averaged: three runs
     * instead of one, for points that depend less on the box. Default false.
     */
    readonly secondLook?: boolean;
  };
  readonly embedder: {
    readonly file: string;
    /** By five points (ArcFace's, scaled to the input), or upright as it is: a square about the middle of the box. */
    readonly alignment: 'arcface5' | 'box';
    /** For `box`: the square's side in longer sides of the box. Default 1. */
    readonly cropScale?: number;
    readonly input: NetworkInput;
    /**
     * What the network is shown of a face; the template is the sum of what it says of each. Every view costs a run.
     * Without it one plain view, `{ context: 1, mirrored: false }`.
     */
    readonly views?: readonly FaceView[];
    readonly dimension: number;
  };
  readonly pose?: {
    readonly file: string;
    /** 66 bins each of yaw, pitch and roll. */
    readonly decoder: 'bins66';
    readonly input: NetworkInput;
    /** The crop is the box grown by this factor about its centre, cut to the picture, stretched to the input. */
    readonly cropScale: number;
  };
  readonly liveness?: {
    readonly file: string;
    readonly input: NetworkInput;
    /** The crop is a square: the box's longer side grown by this factor, or by as much as fits, inside the picture. */
    readonly cropScale: number;
    /** What each output stands for, in the network's order; `other` is an attack of a kind that has no name here. */
    readonly classes: readonly LivenessClass[];
    /** Least probability of `live`, 0..1, of a face that is called live. */
    readonly threshold: number;
  };
}

/** `context` widths and heights of the aligned face about its centre are seen, and left and right changed if `mirrored`. */
export interface FaceView {
  readonly context: number;
  readonly mirrored: boolean;
}

/** What a liveness network takes a face for. */
export type LivenessClass = 'live' | 'print' | 'replay' | 'other';
