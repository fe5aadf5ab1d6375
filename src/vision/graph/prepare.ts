import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import type { Executor } from '../../native/executor.ts';
import { compareNetworks, type NetworkComparison, runtimeVersion } from '../../native/networks.ts';
import type { PipelineOptions } from '../../native/pipeline-options.ts';
import type { Log } from '../../ops/log.ts';
import type { ModelPack } from '../model-pack.ts';
import { checkInputs } from './check-inputs.ts';
import { fuseDetectionHead } from './detection-head.ts';
import { fuseSubgraph } from './fused-subgraph.ts';
import { splitPRelus } from './prelu.ts';
import { changedStages, type Stage } from './stages.ts';

export interface Rewrite {
  readonly rewrite: (model: Uint8Array) => Uint8Array;
  readonly minCosine: number;
  readonly maxDifference: number;
}

export const REWRITES = {
  // 16-bit integers: the shipped networks reach cosine 1 - 3e-6 and difference 4e-3 even on noise.
  fused: {
    rewrite: (model) => {
      const fused = fuseSubgraph(model);
      return fused === model ? model : fuseDetectionHead(fused);
    },
    minCosine: 1 - 1e-5,
    maxDifference: 5e-3,
  },
  // Exact up to rounding: cosine 1 - 5e-13, difference 2e-6.
  prelu: { rewrite: (model) => splitPRelus(model).model, minCosine: 1 - 1e-6, maxDifference: 1e-3 },
} as const satisfies Readonly<Record<string, Rewrite>>;

/** Increment when a rewrite or the choice among rewrites changes. */
const PREPARATION_VERSION = 5;

const MAX_TIME_RATIO = 0.95;

export interface Preparation {
  /** Created if missing. Delete only while nothing runs. */
  readonly folder: string;
  readonly log: Log;
}

type Attempt = (NetworkComparison & { readonly isSame: boolean }) | { readonly problem: string };

interface Verdict {
  readonly on: string;
  /** Null for the original. */
  readonly rewrite: string | null;
  readonly sha256?: string;
  readonly attempts: Readonly<Record<string, Attempt>>;
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const here = (): string => `ONNX Runtime ${runtimeVersion()}, ${cpus()[0]?.model ?? process.arch}`;

/**
 * Replaces each network by the fastest matching one of `REWRITES`, in a file `<SHA-256 of the
 * original>-<version>.onnx`. Logs failures and keeps the original.
 */
export async function prepareNetworks(
  pack: ModelPack,
  executor: Executor,
  { folder, log }: Preparation,
): Promise<PipelineOptions> {
  const prepared = async <S extends Stage>(stage: S): Promise<S> => {
    const network = basename(stage.file);
    try {
      const hash = pack.hashes.get(stage.file);
      const name = join(folder, `${hash}-${PREPARATION_VERSION}`);
      const verdict = (await verdictOf(name)) ?? (await prepare(stage, hash, name, executor));
      for (const [rewrite, attempt] of Object.entries(verdict.attempts)) {
        if ('isSame' in attempt && attempt.isSame) continue;
        log.warn(
          { network, rewrite, ...attempt },
          'a rewritten network failed or differs from the original: not used',
        );
      }
      if (verdict.rewrite !== null) return { ...stage, file: `${name}.onnx` };
    } catch (error) {
      log.warn({ network, err: error }, 'cannot prepare the network: using the original');
    }
    return stage;
  };
  const stages = pack.pipeline;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    log.warn({ err: error }, 'cannot prepare networks: using the originals');
    return stages;
  }
  return changedStages(stages, prepared);
}

const PREPARED_FILE = /^([0-9a-f]{64})-(\d+)\.(onnx|json|json\.new|unchecked)$/;

/** Deletes networks of other packs or versions. Logs failures. */
export async function removeUnused(packs: readonly ModelPack[], { folder, log }: Preparation): Promise<void> {
  const used = new Set(packs.flatMap(({ hashes }) => [...hashes.values()]));
  try {
    for (const file of await readdir(folder)) {
      const [, hash = '', version, kind] = PREPARED_FILE.exec(file) ?? [];
      if (version === undefined) continue;
      const isCurrent = used.has(hash) && Number(version) === PREPARATION_VERSION;
      if (isCurrent && (kind === 'onnx' || kind === 'json')) continue;
      await rm(join(folder, file), { force: true });
    }
  } catch (error) {
    log.warn({ err: error }, 'cannot remove unused prepared networks');
  }
}

async function verdictOf(name: string): Promise<Verdict | undefined> {
  try {
    const verdict = JSON.parse(await readFile(`${name}.json`, 'utf8')) as Verdict;
    if (verdict.on !== here()) return undefined;
    if (verdict.rewrite === null) return verdict;
    return sha256Of(await readFile(`${name}.onnx`)) === verdict.sha256 ? verdict : undefined;
  } catch {
    return undefined;
  }
}

async function prepare(
  stage: Stage,
  hash: string | undefined,
  name: string,
  executor: Executor,
): Promise<Verdict> {
  const original = await readFile(stage.file);
  if (sha256Of(original) !== hash) throw new Error('The file does not match the SHA-256 in the manifest.');
  const unchecked = `${name}.unchecked`;
  const attempts: Record<string, Attempt> = {};
  let best: { rewrite: string; model: Uint8Array; time: number } | undefined;
  try {
    for (const [rewrite, how] of Object.entries(REWRITES)) {
      const { attempt, model } = await tryRewrite(how, stage, original, unchecked, executor);
      if (attempt === undefined) continue;
      attempts[rewrite] = attempt;
      if (!('isSame' in attempt && attempt.isSame)) continue;
      const time = attempt.changedMs / attempt.originalMs;
      if (time <= Math.min(MAX_TIME_RATIO, best?.time ?? MAX_TIME_RATIO)) best = { rewrite, model, time };
    }
    if (best) {
      await writeDurably(unchecked, best.model);
      await rename(unchecked, `${name}.onnx`);
    }
  } finally {
    await rm(unchecked, { force: true });
  }
  const verdict: Verdict = {
    on: here(),
    rewrite: best?.rewrite ?? null,
    ...(best && { sha256: sha256Of(best.model) }),
    attempts,
  };
  // Written last, so that an interrupted preparation repeats.
  await writeDurably(`${name}.json.new`, Buffer.from(`${JSON.stringify(verdict)}\n`));
  await rename(`${name}.json.new`, `${name}.json`);
  return verdict;
}

async function tryRewrite(
  { rewrite, minCosine, maxDifference }: Rewrite,
  { file: originalFile, input }: Stage,
  original: Uint8Array,
  file: string,
  executor: Executor,
): Promise<{ attempt?: Attempt; model: Uint8Array }> {
  let model = original;
  try {
    model = rewrite(original);
  } catch (error) {
    return { attempt: { problem: (error as Error).message }, model };
  }
  if (model === original) return { model };
  await writeDurably(file, model);
  try {
    const { values, shape } = checkInputs(input, model);
    const comparison = await compareNetworks(executor, originalFile, file, values, { shape });
    const isSame = comparison.cosine >= minCosine && comparison.difference <= maxDifference;
    return { attempt: { ...comparison, isSame }, model };
  } catch (error) {
    return { attempt: { problem: (error as Error).message }, model };
  }
}

async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
