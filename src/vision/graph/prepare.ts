import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  compareNetworks,
  type Executor,
  type NetworkComparison,
  type NetworkInput,
  type PipelineOptions,
  runtimeVersion,
} from '../../native.ts';
import type { Log } from '../../ops/log.ts';
import type { ModelPack } from '../model-pack.ts';
import { checkInputs } from './check-inputs.ts';
import { REWRITE_VERSION, splitPRelus } from './prelu.ts';

/**
 * What a prepared network must keep of the original's outputs. The default pack's keep 1 - 5e-13 and 2e-6; rounding in
 * another order is no more in a deeper network, and a wrong slope in one channel is far beyond.
 */
const LEAST_COSINE = 1 - 1e-6;
const MOST_DIFFERENCE = 1e-3;

/** Where prepared networks are kept, and who is told where one cannot be had. */
export interface Preparation {
  /** Made if missing. Files in it may be deleted while nothing runs: they are made again. */
  readonly folder: string;
  readonly log: Log;
}

/** What a network's preparation came to, kept beside it: `prepared` with the hash of the file, or why not. */
interface Verdict {
  /** Version of ONNX Runtime that both networks ran on: another one may round differently, so it checks again. */
  readonly runtime: string;
  readonly outcome: 'prepared' | 'nothing to do' | 'refused';
  /** SHA-256 in hex of the prepared file. */
  readonly sha256?: string;
  readonly comparison?: NetworkComparison;
}

interface Stage {
  readonly file: string;
  readonly input: NetworkInput;
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * The stages of a pack with networks that are the same functions and run faster (see {@link splitPRelus}). Each is
 * made once, `<SHA-256 of the original>-<version of the rewrite>.onnx`, and only used after its outputs were found the
 * same as the original's. A network that cannot be prepared, for whatever reason, stays the original, with one line in
 * the log.
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
      const name = join(folder, `${hash}-${REWRITE_VERSION}`);
      const verdict = (await verdictOf(name)) ?? (await prepare(stage, hash, name, executor));
      if (verdict.outcome === 'prepared') return { ...stage, file: `${name}.onnx` };
      if (verdict.outcome === 'refused') {
        const { comparison } = verdict;
        log.warn({ network, comparison }, 'the prepared network differs from the original, which is used');
      }
    } catch (error) {
      log.warn({ network, err: error }, 'the network could not be prepared: the original is used');
    }
    return stage;
  };
  const stages = pack.pipeline;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    log.warn({ err: error }, 'no network can be prepared: the originals are used');
    return stages;
  }
  const names = Object.keys(stages) as (keyof PipelineOptions)[];
  const entries = names.map(async (name) => [name, await prepared(stages[name] as Stage)]);
  return Object.fromEntries(await Promise.all(entries)) as PipelineOptions;
}

/** The verdict of an earlier start, if it still holds: for this runtime, and with its file as it was. */
async function verdictOf(name: string): Promise<Verdict | undefined> {
  try {
    const verdict = JSON.parse(await readFile(`${name}.json`, 'utf8')) as Verdict;
    if (verdict.runtime !== runtimeVersion()) return undefined;
    if (verdict.outcome !== 'prepared') return verdict;
    return sha256Of(await readFile(`${name}.onnx`)) === verdict.sha256 ? verdict : undefined;
  } catch {
    return undefined;
  }
}

async function prepare(
  { file, input }: Stage,
  hash: string | undefined,
  name: string,
  executor: Executor,
): Promise<Verdict> {
  const runtime = runtimeVersion();
  const original = await readFile(file);
  if (sha256Of(original) !== hash) throw new Error('The file is not the one that the manifest names.');
  const { model, replaced } = splitPRelus(original);
  let verdict: Verdict = { runtime, outcome: 'nothing to do' };
  if (replaced > 0) {
    const unchecked = `${name}.unchecked`;
    try {
      await writeDurably(unchecked, model);
      const comparison = await compareNetworks(executor, file, unchecked, checkInputs(input));
      const isSame = comparison.cosine >= LEAST_COSINE && comparison.difference <= MOST_DIFFERENCE;
      verdict = isSame
        ? { runtime, outcome: 'prepared', sha256: sha256Of(model), comparison }
        : { runtime, outcome: 'refused', comparison };
      if (isSame) await rename(unchecked, `${name}.onnx`);
    } finally {
      await rm(unchecked, { force: true });
    }
  }
  // The verdict comes last: without it, whatever else is there is made again.
  await writeDurably(`${name}.json.new`, Buffer.from(`${JSON.stringify(verdict)}\n`));
  await rename(`${name}.json.new`, `${name}.json`);
  return verdict;
}

/** Writes a file whose bytes are on the disk afterwards. */
async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
