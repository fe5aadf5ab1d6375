import { Ajv2020 } from 'ajv/dist/2020.js';
import { DETECTOR_DECODERS, type PipelineOptions } from '../native/pipeline-options.ts';
import { TRUSTED_SCHEMAS } from '../ops/trusted-schemas.ts';

/** One file of a pack, with what it must be. */
export interface ManifestFile {
  readonly name: string;
  readonly bytes: number;
  /** 64 hex digits, lower case. */
  readonly sha256: string;
}

/** `manifest.json` of a model pack, as far as the server reads it. Files are named relative to the manifest. */
export interface Manifest extends PipelineOptions {
  readonly name: string;
  readonly version: string;
  readonly files: readonly ManifestFile[];
  /** Missing until `visagectl models calibrate` has made it. */
  readonly calibration?: {
    /** (score, similarity), see `SimilarityScale`. */
    readonly points: readonly (readonly [number, number])[];
    /** People of the calibration's pictures who go by two names. */
    readonly excluded?: readonly { readonly people: readonly [string, string] }[];
  };
}

function object(properties: Record<string, object>, optional: readonly string[] = []): object {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

/** A number, or a list of three. */
function perChannel(number: object): object {
  return { anyOf: [number, { type: 'array', items: number, minItems: 3, maxItems: 3 }] };
}

const FILE_NAME = { type: 'string', pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$' };
const SHARE = { type: 'number', minimum: 0, maximum: 1 };
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

const MANIFEST = object(
  {
    manifestVersion: { const: 1 },
    name: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,63}$' },
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
          sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
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
        doubtful: object({ from: SHARE, to: SHARE }),
        boxFit: object({ x: SHIFT, y: SHIFT, width: FACTOR, height: FACTOR }),
        nmsIou: SHARE,
      },
      ['doubtful', 'boxFit'],
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
    liveness: object({
      file: FILE_NAME,
      input: INPUT,
      cropScale: { type: 'number', minimum: 1, maximum: 8 },
      classes: {
        type: 'array',
        minItems: 2,
        maxItems: 16,
        items: { enum: ['live', 'print', 'replay', 'other'] },
        contains: { const: 'live' },
        maxContains: 1,
      },
      threshold: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
    }),
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
  ['description', 'licence', 'source', 'pose', 'liveness', 'calibration'],
);

const validate = new Ajv2020({ ...TRUSTED_SCHEMAS, strictTypes: false }).compile<Manifest>(MANIFEST);

/** @throws Error that says which field is wrong and why. */
export function parseManifest(text: string): Manifest {
  const manifest: unknown = JSON.parse(text);
  if (!validate(manifest)) {
    const [error] = validate.errors ?? [];
    const names = Object.values(error?.params ?? {}).join(', ');
    throw new Error(`${error?.instancePath || '/'} ${error?.message} (${names})`);
  }
  return manifest;
}
