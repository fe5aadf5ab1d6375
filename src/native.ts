/**
 * The typed border to the C++ addon: plain data in, plain data out.
 *
 * Everything here returns at once on the JavaScript thread; the work runs on an {@link Executor}'s own
 * threads, never on libuv's pool. Failures are `VisageError`s with a code of `errors.ts`; an argument of a wrong type
 * or size is a TypeError that is thrown at once. Typed arrays are borrowed until the promise settles and must not
 * change meanwhile.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isErrorCode, VisageError } from './errors.ts';

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

/** ONNX Runtime's execution providers that networks may run on. */
export const PROVIDERS = ['cpu', 'cuda', 'tensorrt'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** What runs networks. A GPU is the first one; `CUDA_VISIBLE_DEVICES` makes another the first. */
export interface DeviceOptions {
  readonly provider: Provider;
  /**
   * Inputs of several threads, 1..64, that are joined to one run of a network whose first dimension is free; others run
   * one by one.
   */
  readonly maxBatch: number;
  /** How long the first of them waits for others, 0..1000. While another run is under way, all wait and are joined. */
  readonly maxDelayMs: number;
  /** Bytes of the GPU's memory that each network may take; 0 for all. */
  readonly memoryLimit: number;
}

/**
 * A bounded pool of the addon's own threads. While all are busy, `maxQueue` pictures may wait; more are refused with
 * `OVERLOADED`. Work on an index is never refused for that, and goes before pictures that wait: it belongs to requests
 * whose picture has been worked on. A picture is worked on by all threads that have nothing else to do.
 */
export interface Executor {
  /** Threads, jobs waiting and running at this moment, and jobs that have ended since the start. */
  stats(): {
    readonly threads: number;
    readonly queued: number;
    readonly running: number;
    readonly ended: number;
  };
  /** Lets running and waiting jobs end, then joins the threads. New work is refused with `NOT_READY`. */
  close(): Promise<void>;
}

/** Decode, detect, align, embed, and what else is asked about a face. */
export interface Pipeline {
  /**
   * Finds every face of a picture and what `request` asks for. The bytes are borrowed until the promise settles and must
   * not change meanwhile.
   * @throws VisageError `INVALID_IMAGE`, `IMAGE_TOO_LARGE`, `UNSUPPORTED_IMAGE`, `OVERLOADED`, `NOT_READY`.
   */
  analyze(image: Uint8Array, encoding: ImageEncoding, request?: AnalysisRequest): Promise<Analysis>;
}

/** How a gallery is searched. */
export interface IndexStats {
  /** Vectors that were removed and whose memory is still held; they are swept out in the background. */
  readonly tombstones: number;
  /**
   * Vectors that the graph has, removed ones too; a search looks at all others one by one. 0 where there is no graph, and
   * the search is exact.
   */
  readonly linked: number;
}

/**
 * Inner-product search over the unit vectors of one gallery, which are kept as 16-bit numbers. Operations take effect in
 * the order in which they are called; searches run in parallel with each other.
 *
 * Small galleries are searched exactly; larger ones through a graph that threads of low priority build meanwhile.
 */
export interface GalleryIndex {
  /** Vectors held. */
  readonly size: number;
  /** Bytes of memory that the index takes: vectors, graph, and what is being made in the background. */
  readonly bytes: number;
  /** How it searches at this moment. */
  stats(): IndexStats;
  /** Adds `ids.length` vectors, row after row in `vectors` (`ids.length * dimension` floats). An id already held is replaced. */
  add(ids: BigInt64Array, vectors: Float32Array): Promise<void>;
  /** Removes ids, unknown ones are passed over. Answers how many were held. */
  remove(ids: BigInt64Array): Promise<number>;
  /**
   * The `k` nearest (fewer if fewer are held), best first; scores are inner products, -1..1, to about
   * 1e-5.
   * A longer query's scores are as many times larger, in the same order; a zero query's are all 0.
   * @param allow restricts the search to these ids inside the index; unknown and repeated ones are passed over.
   */
  search(
    query: Float32Array,
    k: number,
    allow?: BigInt64Array,
  ): Promise<{ readonly ids: BigInt64Array; readonly scores: Float32Array }>;
  /** Ids of everything held, in no order. */
  labels(): Promise<BigInt64Array>;
  /**
   * Writes what is held when its turn comes into a file (mode 0600), under another name until it is whole and flushed.
   * Searches and writes go on meanwhile. One at a time.
   * @param background threads with nothing to do: writes to the index wait until one of them has begun.
   * @param stamp up to 1024 bytes that {@link readSnapshotInfo} gives back.
   * @returns bytes of the file. @throws Error in words; a file of that name from before stays.
   */
  save(background: Executor, path: string, stamp: string): Promise<number>;
  /** Has the {@link save} under way fail soon, if there is one. */
  cancelSave(): void;
  /** Fills an index that holds nothing with what was saved. @throws Error in words where anything of it is damaged. */
  load(path: string): Promise<void>;
}

/** How far the outputs of two networks are apart: the worst of all inputs and outputs. NaN is worse than any number. */
export interface NetworkComparison {
  /** Least cosine of two outputs, -1..1. */
  readonly cosine: number;
  /** Most of |a - b| of two values, over the largest |a| of the original's output. */
  readonly difference: number;
  /** Processor time of a run, the least of all. */
  readonly originalMs: number;
  readonly changedMs: number;
}

/** What one kernel of the search makes of the same rows in each of its three ways: one number a row. */
export interface KernelProducts {
  /** Of the probe and each row, of all rows in one call and of each in a call of its own. */
  readonly together: Int32Array;
  readonly single: Int32Array;
  /** Of the first row and each row. */
  readonly codes: Int32Array;
}

/** What the head of a saved index says. */
export interface SnapshotFileInfo {
  readonly dimension: number;
  readonly rows: number;
  readonly stamp: string;
}

interface Addon {
  readonly Executor: new (options: { threads: number; maxQueue: number }) => Executor;
  readonly GalleryIndex: new (executor: Executor, dimension: number, graphFrom?: number) => GalleryIndex;
  loadPipeline(executor: Executor, options: PipelineOptions, device?: DeviceOptions): Promise<Pipeline>;
  decodeImage(executor: Executor, image: Uint8Array, encoding: ImageEncoding): Promise<DecodedImage>;
  compareNetworks(
    executor: Executor,
    original: string,
    changed: string,
    inputs: Float32Array,
    device?: DeviceOptions,
    shape?: BigInt64Array,
  ): Promise<NetworkComparison>;
  searchKernels(): string[];
  kernelProducts(kernel: string, probe: Int16Array, rows: Int8Array): KernelProducts;
  readSnapshotInfo(path: string): SnapshotFileInfo;
  whyUnavailable(provider: Provider): string | null;
  runtimeVersion(): string;
  lockFile(path: string): boolean;
  sendDatagram(socket: string, text: string): void;
}

/** `build/Release/visage.node` at the project's top, seen from `dist/src/`. */
const ADDON_FILE = fileURLToPath(new URL('../../build/Release/visage.node', import.meta.url));

let loaded: Addon | undefined;

function addon(): Addon {
  if (loaded) return loaded;
  if (!existsSync(ADDON_FILE)) {
    throw new Error(`The native addon is missing (${ADDON_FILE}). Run \`npm run setup\` to build it.`);
  }
  try {
    loaded = createRequire(import.meta.url)(ADDON_FILE) as Addon;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    // glibc's words about a library that is marked, as ours is, as compiled for a newer processor.
    if (why.includes('CPU ISA level')) {
      throw new Error('Visage needs a processor with AVX2 and FMA (x86-64-v3), which this one is not.', {
        cause,
      });
    }
    throw new Error(
      `The native addon does not load: ${why}. Run \`npm run setup\` to build it for this machine.`,
      {
        cause,
      },
    );
  }
  return loaded;
}

/**
 * Makes a failure of the addon an error whose stack leads to the caller: the addon's own has no JavaScript frames,
 * and taking one on every call would cost time on the way that does not fail.
 */
async function crossing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const { code, message } = cause as { code?: unknown; message?: string };
    if (isErrorCode(code)) throw new VisageError(code, message ?? code);
    throw new Error(message ?? 'The native addon failed', { cause });
  }
}

/** @param options `threads` 1..256; `maxQueue` jobs may wait, 1..65536. */
export function createExecutor(options: { threads: number; maxQueue: number }): Executor {
  return new (addon().Executor)(options);
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
  const pipeline = await crossing(addon().loadPipeline(executor, options, device));
  return { analyze: (image, encoding, request) => crossing(pipeline.analyze(image, encoding, request)) };
}

/**
 * An empty index of vectors of `dimension` floats.
 * @param executor does its work; its closing also ends what is done in the background.
 * @param graphFrom vectors from which on it is searched through a graph, 1 or more, for tests; by default as it is fastest.
 */
export function createGalleryIndex(executor: Executor, dimension: number, graphFrom?: number): GalleryIndex {
  const index = new (addon().GalleryIndex)(executor, dimension, graphFrom);
  return {
    get size() {
      return index.size;
    },
    get bytes() {
      return index.bytes;
    },
    stats: () => index.stats(),
    add: (ids, vectors) => crossing(index.add(ids, vectors)),
    remove: (ids) => crossing(index.remove(ids)),
    search: (query, k, allow) => crossing(index.search(query, k, allow)),
    labels: () => crossing(index.labels()),
    save: (background, path, stamp) => crossing(index.save(background, path, stamp)),
    cancelSave: () => index.cancelSave(),
    load: (path) => crossing(index.load(path)),
  };
}

/** Decodes a picture to upright RGB in full size, for tools and tests. Errors as {@link Pipeline.analyze}. */
export function decodeImage(
  executor: Executor,
  image: Uint8Array,
  encoding: ImageEncoding = 'binary',
): Promise<DecodedImage> {
  return crossing(addon().decodeImage(executor, image, encoding));
}

/**
 * Runs two networks on the same inputs, as one job of the executor.
 * @param original path of an ONNX file with one input, everything of floats; so is `changed`. Runs on the CPU.
 * @param inputs finite values of one or more inputs, one after the other.
 * @param on what runs `changed`, the CPU by default, as many inputs at a time as its batch holds; and the inputs' shape,
 *   needed where the files leave more free than the batch.
 * @throws Error where one does not load, or their shapes differ.
 */
export function compareNetworks(
  executor: Executor,
  original: string,
  changed: string,
  inputs: Float32Array,
  on: { readonly device?: DeviceOptions; readonly shape?: readonly number[] } = {},
): Promise<NetworkComparison> {
  const shape = on.shape && BigInt64Array.from(on.shape, BigInt);
  return crossing(addon().compareNetworks(executor, original, changed, inputs, on.device, shape));
}

/**
 * Why a provider cannot be used here: which library is missing or does not load, in words for the operator. Null where it
 * can be tried; whether there is a GPU shows when a network is loaded.
 */
export function whyUnavailable(provider: Provider): string | null {
  return addon().whyUnavailable(provider);
}

/** Kernels of the search that this processor can run, such as `avx2`; the first is the one in use, the last `plain`. */
export function searchKernels(): readonly string[] {
  return addon().searchKernels();
}

/**
 * Inner products by one kernel, for tests: all kernels answer the same.
 * @param kernel one of {@link searchKernels}.
 * @param probe a multiple of 64 values; 128 times the sum of their magnitudes is below 2^31.
 * @param rows as many values a row.
 */
export function kernelProducts(kernel: string, probe: Int16Array, rows: Int8Array): KernelProducts {
  return addon().kernelProducts(kernel, probe, rows);
}

/** Reads the head of a saved index. @throws Error in words where there is none, or it is damaged. */
export function readSnapshotInfo(path: string): SnapshotFileInfo {
  return addon().readSnapshotInfo(path);
}

/** Version of ONNX Runtime, such as `1.30.0`. */
export function runtimeVersion(): string {
  return addon().runtimeVersion();
}

/**
 * Takes an exclusive lock on a file, made if missing, for the life of this process (`flock`).
 * @returns false if another process holds it. @throws Error if the file cannot be opened.
 */
export function lockFile(path: string): boolean {
  return addon().lockFile(path);
}

/**
 * Sends one datagram to a Unix socket, which Node cannot. Waits up to half a second where the receiver's queue is full.
 * @param socket path of the socket, or `@` and a name of the abstract namespace; at most 107 bytes.
 * @throws Error in the system's words if nobody takes it.
 */
export function sendDatagram(socket: string, text: string): void {
  addon().sendDatagram(socket, text);
}
