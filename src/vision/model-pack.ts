import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LivenessLook, PipelineOptions } from '../native/pipeline-options.ts';
import { parseCohort } from './cohort.ts';
import { type Manifest, type ManifestFile, parseManifest } from './manifest.ts';
import { parseSearchSpace } from './search-space.ts';
import { SimilarityScale } from './similarity.ts';

export const MODELS_FOLDER = fileURLToPath(new URL('../../../models/', import.meta.url));

export interface ModelPack {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
  readonly pipeline: PipelineOptions;
  /** Hex SHA-256 by absolute path. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Valid for the pack's dimension; null: search is exact. */
  readonly searchSpace: Uint8Array | null;
  /** Valid for the pack's dimension; null: scores are cosines. */
  readonly cohort: Uint8Array | null;
  /** Null before calibration; the service refuses such a pack. */
  readonly similarity: SimilarityScale | null;
  /** Whether calibration treated two names as one person. */
  excludes(first: string, second: string): boolean;
}

/** @param nameOrPath folder name in `models/`, or a path with `/`. */
export function packFolder(nameOrPath: string): string {
  return nameOrPath.includes('/') ? resolve(nameOrPath) : join(MODELS_FOLDER, nameOrPath);
}

/**
 * Verifies size and SHA-256 of all files.
 * @param version default: the newest.
 * @throws Error that names the file and the expected value.
 */
export async function openModelPack(nameOrPath: string, version?: string): Promise<ModelPack> {
  const folder = packFolder(nameOrPath);
  const manifest = await readManifest(folder, nameOrPath, version);
  await Promise.all(manifest.files.map((file) => checkFile(folder, file)));
  const excluded = new Set(
    manifest.calibration?.excluded?.flatMap(({ people: [a, b] }) => [`${a}\n${b}`, `${b}\n${a}`]),
  );
  return {
    name: manifest.name,
    version: manifest.version,
    folder,
    pipeline: stagesOf(folder, manifest),
    hashes: new Map(manifest.files.map(({ name, sha256 }) => [join(folder, name), sha256])),
    searchSpace: await searchSpaceOf(folder, manifest),
    cohort: await cohortOf(folder, manifest),
    similarity: scaleOf(folder, manifest),
    excludes: (first, second) => excluded.has(`${first}\n${second}`),
  };
}

/** @throws Error for a repeated name. */
export function checkPackNames(names: readonly string[]): void {
  if (new Set(names).size === names.length) return;
  throw new Error(
    `Two model packs have the same name (${names.join(', ')}). List each name once in the settings model_pack and ` +
      'extra_model_packs.',
  );
}

/** @throws Error as `openModelPack`, or for a repeated name. */
export async function openModelPacks(namesOrPaths: readonly string[]): Promise<ModelPack[]> {
  const packs: ModelPack[] = [];
  for (const each of namesOrPaths) packs.push(await openModelPack(each));
  checkPackNames(packs.map(({ name }) => name));
  return packs;
}

const VERSIONS = 'versions';
const VERSION_FILE = /^([A-Za-z0-9_][A-Za-z0-9_.-]*)\.json$/;

/** Versions besides the newest, sorted. */
export async function olderVersions(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, VERSIONS)).catch(() => []);
  return names.flatMap((name) => VERSION_FILE.exec(name)?.[1] ?? []).sort();
}

/**
 * @param version default: the newest. Others come from `versions/<version>.json`.
 * @throws Error that names file and field.
 */
export async function readManifest(folder: string, nameOrPath: string, version?: string): Promise<Manifest> {
  const newest = await readManifestFile(join(folder, 'manifest.json'), nameOrPath);
  if (version === undefined || version === newest.version) return newest;
  const name = `${version}.json`;
  const file = join(folder, VERSIONS, name);
  if (!VERSION_FILE.test(name))
    throw new Error(`There is no version "${version}" of the model pack ${nameOrPath}.`);
  const manifest = await readManifestFile(file, `${nameOrPath} ${version}`);
  if (manifest.name === newest.name && manifest.version === version) return manifest;
  throw new Error(
    `The manifest ${file} must be of ${newest.name} ${version}, but it is of ${manifest.name} ${manifest.version}.`,
  );
}

async function readManifestFile(file: string, nameOrPath: string): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new Error(`There is no model pack "${nameOrPath}": ${file} cannot be read.`, { cause });
  }
  try {
    return parseManifest(text);
  } catch (cause) {
    throw new Error(`The model pack's ${file} is not valid: ${(cause as Error).message}.`, { cause });
  }
}

function stagesOf(folder: string, manifest: Manifest): PipelineOptions {
  const located = <Stage extends { readonly file: string }>(stage: Stage): Stage => {
    return { ...stage, file: listedFile(folder, manifest, stage.file) };
  };
  return {
    detector: located(manifest.detector),
    landmarks: located(manifest.landmarks),
    embedder: located(manifest.embedder),
    ...(manifest.pose && { pose: located(manifest.pose) }),
    ...(manifest.liveness && { liveness: looksOf(manifest.liveness).map(located) }),
  };
}

function looksOf(liveness: NonNullable<Manifest['liveness']>): readonly LivenessLook[] {
  if (!('cropScale' in liveness)) return liveness;
  const { cropScale, ...look } = liveness;
  return [{ ...look, crop: { mode: 'square', scale: cropScale, padding: 'none' } }];
}

function listedFile(folder: string, { files }: Manifest, file: string): string {
  if (!files.some(({ name }) => name === file)) {
    throw new Error(
      `The model pack ${basename(folder)} uses ${file}, which is missing from "files" in its manifest.`,
    );
  }
  return join(folder, file);
}

async function searchSpaceOf(folder: string, manifest: Manifest): Promise<Uint8Array | null> {
  return manifest.search ? derivedFile(folder, manifest, manifest.search.file, 'search space') : null;
}

async function cohortOf(folder: string, manifest: Manifest): Promise<Uint8Array | null> {
  return manifest.cohort ? derivedFile(folder, manifest, manifest.cohort.file, 'cohort') : null;
}

const PARSERS = { 'search space': parseSearchSpace, cohort: parseCohort };

async function derivedFile(
  folder: string,
  manifest: Manifest,
  name: string,
  kind: keyof typeof PARSERS,
): Promise<Uint8Array> {
  const file = listedFile(folder, manifest, name);
  const bytes = await readFile(file);
  try {
    const { dimension } = PARSERS[kind](bytes);
    const expected = manifest.embedder.dimension;
    if (dimension !== expected) {
      throw new Error(`Expected a ${kind} of templates of ${expected} dimensions, got ${dimension}`);
    }
  } catch (cause) {
    throw new Error(`The model pack's ${kind} ${file}: ${(cause as Error).message}.`, { cause });
  }
  return bytes;
}

function scaleOf(folder: string, { calibration }: Manifest): SimilarityScale | null {
  if (!calibration) return null;
  try {
    return new SimilarityScale(calibration.points);
  } catch (cause) {
    throw new Error(`The model pack ${basename(folder)}: ${(cause as Error).message}.`, { cause });
  }
}

/** Node's chunks of 64 KiB cost half as much again as the hash. */
const READING = { highWaterMark: 2 ** 20 };

/** @throws Error for a missing or altered file. */
export async function checkFile(folder: string, { name, bytes, sha256 }: ManifestFile): Promise<void> {
  const file = join(folder, name);
  const hash = createHash('sha256');
  let read = 0;
  try {
    for await (const chunk of createReadStream(file, READING) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      read += chunk.length;
    }
  } catch (cause) {
    throw new Error(
      `The model file ${file} (${bytes} bytes, SHA-256 ${sha256}) cannot be read. Fetch it with \`visage-fetch-models\`, in a clone with \`npm run setup\`.`,
      { cause },
    );
  }
  const found = hash.digest('hex');
  if (found !== sha256) {
    throw new Error(
      `The model file ${file} has been altered: expected ${bytes} bytes with SHA-256 ${sha256}, found ${read} bytes ` +
        `with SHA-256 ${found}. Delete it and fetch it again with \`visage-fetch-models\`, in a clone with \`npm run setup\`.`,
    );
  }
}
