import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import type { Executor } from '../../native/executor.ts';
import { compareNetworks, type NetworkComparison, runtimeVersion } from '../../native/networks.ts';
import type { NetworkInput, PipelineOptions } from '../../native/pipeline-options.ts';
import type { Log } from '../../ops/log.ts';
import type { ModelPack } from '../model-pack.ts';
import { checkInputs } from './check-inputs.ts';
import { REWRITES, type Rewrite } from './rewrites.ts';

/** Changes whenever a rewrite gives another graph than before, or another choice is made among them. */
const PREPARATION_VERSION = 4;

/** Of the original's time. What gains less is not worth another file. */
const MOST_TIME = 0.95;

/** Where prepared networks are kept, and who is told where one cannot be had. */
export interface Preparation {
  /** Made if missing. Files in it may be deleted while nothing runs: they are made again. */
  readonly folder: string;
  readonly log: Log;
}

/** What one rewrite came to; `problem` where it, or its network, failed. */
type Attempt = (NetworkComparison & { readonly isSame: boolean }) | { readonly problem: string };

/** What a network's preparation came to, kept beside it, so that it is not tried again at every start. */
interface Verdict {
  /** Version of ONNX Runtime, and the processor: another one may round differently, or be faster in another way. */
  readonly on: string;
  /** The rewrite that is used; null where the original is. */
  readonly rewrite: string | null;
  /** SHA-256 in hex of the prepared file. */
  readonly sha256?: string;
  /** By their names. Of those that had nothing to change there is none. */
  readonly attempts: Readonly<Record<string, Attempt>>;
}

interface Stage {
  readonly file: string;
  readonly input: NetworkInput;
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What was found out holds for this runtime on this processor. */
const here = (): string => `ONNX Runtime ${runtimeVersion()}, ${cpus()[0]?.model ?? process.arch}`;

/**
 * The stages of a pack with networks that give the same outputs and run faster: of all {@link REWRITES} the fastest. Each
 * is made once, `<SHA-256 of the original>-<version>.onnx`, and only used after its outputs were found the same as the
 * original's, and its time less. A network that cannot be prepared, for whatever reason, stays the original, with one
 * line in the log.
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
        log.warn({ network, rewrite, ...attempt }, 'a prepared network is not used');
      }
      if (verdict.rewrite !== null) return { ...stage, file: `${name}.onnx` };
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
  const made: [string, Stage][] = [];
  // One after the other: each is timed.
  for (const [name, stage] of Object.entries(stages)) made.push([name, await prepared(stage as Stage)]);
  return Object.fromEntries(made) as unknown as PipelineOptions;
}

const PREPARED_FILE = /^([0-9a-f]{64})-(\d+)\.(onnx|json|json\.new|unchecked)$/;

/** Removes what was prepared for networks that none of these packs has, or by another version. Failures are logged. */
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
    log.warn({ err: error }, 'prepared networks that are not used any more could not be removed');
  }
}

/** The verdict of an earlier start, if it still holds: for what it runs on, and with its file as it was. */
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
  if (sha256Of(original) !== hash) throw new Error('The file is not the one that the manifest names.');
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
      if (time <= Math.min(MOST_TIME, best?.time ?? MOST_TIME)) best = { rewrite, model, time };
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
  // The verdict comes last: without it, whatever else is there is made again.
  await writeDurably(`${name}.json.new`, Buffer.from(`${JSON.stringify(verdict)}\n`));
  await rename(`${name}.json.new`, `${name}.json`);
  return verdict;
}

/** @param file where the changed network is put to be compared. @throws Error where it cannot be written. */
async function tryRewrite(
  { rewrite, leastCosine, mostDifference }: Rewrite,
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
    const isSame = comparison.cosine >= leastCosine && comparison.difference <= mostDifference;
    return { attempt: { ...comparison, isSame }, model };
  } catch (error) {
    return { attempt: { problem: (error as Error).message }, model };
  }
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
