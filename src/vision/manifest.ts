import { Ajv2020 } from 'ajv/dist/2020.js';
import { TRUSTED_SCHEMAS } from '../base/ajv-options.ts';
import { DETECTOR_DECODERS, type LivenessLook, type PipelineOptions } from '../native/pipeline-options.ts';

export interface ManifestFile {
  readonly name: string;
  readonly bytes: number;
  /** 64 hex digits, lower case. */
  readonly sha256: string;
}

/** Early manifests: a square of `cropScale` times the box's longer side, inside the image. */
export type SingleLook = Omit<LivenessLook, 'crop'> & { readonly cropScale: number };

/** Paths are relative to the manifest. */
export interface Manifest extends Omit<PipelineOptions, 'liveness'> {
  readonly name: string;
  readonly version: string;
  readonly files: readonly ManifestFile[];
  readonly liveness?: readonly LivenessLook[] | SingleLook;
  /** Absent until `visagectl models basis`. */
  readonly search?: {
    readonly file: string;
  };
  /** Absent until `visagectl models cohort`. */
  readonly cohort?: {
    readonly file: string;
  };
  /** Absent until `visagectl models calibrate`. */
  readonly calibration?: {
    readonly points: readonly (readonly [number, number])[];
    readonly excluded?: readonly { readonly people: readonly [string, string] }[];
  };
}

function object(properties: Record<string, object>, optional: readonly string[] = []): object {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

function perChannel(number: object): object {
  return { anyOf: [number, { type: 'array', items: number, minItems: 3, maxItems: 3 }] };
}

const FILE_NAME_PATTERN = '^[A-Za-z0-9_][A-Za-z0-9_.-]*$';
const PACK_NAME_PATTERN = '^[a-z0-9][a-z0-9-]{0,63}$';
const SHA256_PATTERN = '^[0-9a-f]{64}$';
const PATTERN_RULES: Readonly<Record<string, string>> = {
  [FILE_NAME_PATTERN]: 'must be a file name of letters, digits, ".", "_" and "-"',
  [PACK_NAME_PATTERN]: 'must be 1 to 64 lower-case letters, digits and "-", and not start with "-"',
  [SHA256_PATTERN]: 'must be 64 lower-case hex digits',
};

const FILE_NAME = { type: 'string', pattern: FILE_NAME_PATTERN };
const SHARE = { type: 'number', minimum: 0, maximum: 1 };
const WEIGHT = { type: 'number', minimum: -100, maximum: 100 };
const SHIFT = { type: 'number', minimum: -0.5, maximum: 0.5 };
const FACTOR = { type: 'number', minimum: 0.5, maximum: 2 };
const PIXELS = { type: 'integer', minimum: 16, maximum: 2048 };
const INPUT = object({
  width: PIXELS,
  height: PIXELS,
  channels: { enum: ['RGB', 'BGR', 'GREY'] },
  mean: perChannel({ type: 'number' }),
  scale: perChannel({ type: 'number', exclusiveMinimum: 0 }),
});

const LOOK_PARTS = {
  file: FILE_NAME,
  input: INPUT,
  classes: {
    type: 'array',
    minItems: 2,
    maxItems: 16,
    items: { enum: ['live', 'print', 'replay', 'other'] },
    contains: { const: 'live' },
    maxContains: 1,
  },
  threshold: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
};
const CROP_SCALE = { type: 'number', minimum: 1, maximum: 8 };
const SINGLE_LOOK = object({ ...LOOK_PARTS, cropScale: CROP_SCALE });
const LOOK = object({
  ...LOOK_PARTS,
  crop: object({
    mode: { enum: ['box', 'square'] },
    scale: CROP_SCALE,
    padding: { enum: ['none', 'black'] },
  }),
});

const MANIFEST = object(
  {
    manifestVersion: { const: 1 },
    name: { type: 'string', pattern: PACK_NAME_PATTERN },
    version: { type: 'string', minLength: 1, maxLength: 64 },
    description: { type: 'string' },
    licence: { type: 'string' },
    source: { type: 'object' },
    files: {
      type: 'array',
      minItems: 1,
      items: object(
        {
          name: FILE_NAME,
          source: { type: 'string' },
          bytes: { type: 'integer', minimum: 1 },
          sha256: { type: 'string', pattern: SHA256_PATTERN },
        },
        ['source'],
      ),
    },
    detector: object(
      {
        file: FILE_NAME,
        decoder: { enum: DETECTOR_DECODERS },
        input: INPUT,
        faceWidths: object({
          least: { type: 'number', minimum: 4, maximum: 256 },
          most: { type: 'number', minimum: 16, maximum: 2048 },
        }),
        scoreThreshold: SHARE,
        doubtful: object({ from: SHARE, to: SHARE, smallFrom: SHARE }, ['smallFrom']),
        boxFit: object({ x: SHIFT, y: SHIFT, width: FACTOR, height: FACTOR }),
        nmsIou: SHARE,
        averageBoxes: { type: 'boolean' },
        secondOpinion: object({
          below: SHARE,
          score: WEIGHT,
          detail: WEIGHT,
          landmarks: WEIGHT,
          bias: WEIGHT,
        }),
      },
      ['averageBoxes', 'doubtful', 'boxFit', 'secondOpinion'],
    ),
    landmarks: object(
      {
        file: FILE_NAME,
        decoder: { const: 'points68' },
        input: INPUT,
        cropScale: { type: 'number', minimum: 1, maximum: 4 },
        secondLook: { type: 'boolean' },
      },
      ['secondLook'],
    ),
    embedder: object(
      {
        file: FILE_NAME,
        alignment: { enum: ['arcface5', 'box'] },
        cropScale: { type: 'number', minimum: 0.5, maximum: 4 },
        input: INPUT,
        views: {
          type: 'array',
          minItems: 1,
          maxItems: 8,
          items: object({
            context: { type: 'number', minimum: 0.5, maximum: 2 },
            mirrored: { type: 'boolean' },
          }),
        },
        dimension: { type: 'integer', minimum: 8, maximum: 4096 },
      },
      ['cropScale', 'views'],
    ),
    pose: object({
      file: FILE_NAME,
      decoder: { const: 'bins66' },
      input: INPUT,
      cropScale: { type: 'number', minimum: 1, maximum: 4 },
    }),
    liveness: {
      if: { type: 'array' },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
      then: { minItems: 1, maxItems: 8, items: LOOK },
      else: SINGLE_LOOK,
    },
    search: object({ file: FILE_NAME }),
    cohort: object({ file: FILE_NAME }),
    calibration: {
      type: 'object',
      required: ['points'],
      properties: {
        points: {
          type: 'array',
          minItems: 2,
          items: { type: 'array', minItems: 2, maxItems: 2, items: { type: 'number' } },
        },
        excluded: {
          type: 'array',
          items: {
            type: 'object',
            required: ['people'],
            properties: {
              people: { type: 'array', minItems: 2, maxItems: 2, items: { type: 'string' } },
            },
          },
        },
      },
    },
  },
  ['description', 'licence', 'source', 'pose', 'liveness', 'search', 'cohort', 'calibration'],
);

const validate = new Ajv2020({ ...TRUSTED_SCHEMAS, strictTypes: false }).compile<Manifest>(MANIFEST);

/** @throws Error that names the field and its rule. */
export function parseManifest(text: string): Manifest {
  const manifest: unknown = JSON.parse(text);
  if (!validate(manifest)) {
    const [error] = validate.errors ?? [];
    const params = Object.values(error?.params ?? {}).join(', ');
    const rule = PATTERN_RULES[params] ?? `${error?.message} (${params})`;
    throw new Error(`${error?.instancePath || '/'} ${rule}`);
  }
  return manifest;
}
