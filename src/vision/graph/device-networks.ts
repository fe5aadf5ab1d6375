import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DeviceOptions } from '../../native/device.ts';
import type { Executor } from '../../native/executor.ts';
import { compareNetworks } from '../../native/networks.ts';
import type { NetworkInput, PipelineOptions } from '../../native/pipeline-options.ts';
import type { Log } from '../../ops/log.ts';
import type { ModelPack } from '../model-pack.ts';
import { freeBatch } from './batch.ts';
import { checkInputs } from './check-inputs.ts';

/**
 * Least cosine of an output on the device and the CPU's. Half precision keeps eleven bits of each factor, which leaves
 * some 1 - 1e-5; two templates whose cosine is this are at most 0.014 apart in their score with any other.
 */
const LEAST_COSINE = 0.9999;

/** How long the comparison waits for a batch that its threads fill at once, so that it is sure to be one. */
const FILLED_WITHIN_MS = 200;

/** What a device runs, and where that is kept. */
export interface DevicePreparation {
  /** Made if missing. May be deleted while nothing runs: it is made again, which takes TensorRT minutes. */
  readonly folder: string;
  readonly log: Log;
  readonly device: DeviceOptions;
}

interface Stage {
  readonly file: string;
  readonly input: NetworkInput;
}

/**
 * The stages of a pack with networks for a device: with a free batch where that can be had, each in a folder of its own,
 * named for the SHA-256 of the file, where TensorRT keeps its engines beside it. Each has been run on the device and its
 * outputs found the CPU's, so it is warm.
 * @throws Error with one sentence where a network's outputs on the device are others than on the CPU, or it does not run.
 */
export async function deviceNetworks(
  pack: ModelPack,
  executor: Executor,
  { folder, log, device }: DevicePreparation,
): Promise<PipelineOptions> {
  const filled = { ...device, maxDelayMs: FILLED_WITHIN_MS };
  /** Puts a network where the device runs it from, and holds its outputs there against the original's. */
  const checked = async <S extends Stage>(stage: S, model: Uint8Array): Promise<S> => {
    const own = join(folder, createHash('sha256').update(model).digest('hex'));
    const file = join(own, basename(stage.file));
    await mkdir(own, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, model, { mode: 0o600 });
    await rename(`${file}.new`, file);
    const { values, shape } = checkInputs(stage.input, model);
    const { cosine } = await compareNetworks(executor, stage.file, file, values, { device: filled, shape });
    if (cosine >= LEAST_COSINE) return { ...stage, file };
    throw new Error(
      `On the device ${device.provider} the network ${basename(file)} gives other results than on the CPU: ` +
        `the cosine of the two is ${cosine.toFixed(6)}, and at least ${LEAST_COSINE} is needed.`,
    );
  };
  const placed = async <S extends Stage>(stage: S): Promise<S> => {
    const original = await readFile(stage.file);
    try {
      const batched = freeBatch(original);
      if (batched) return await checked(stage, batched);
    } catch (error) {
      log.warn({ network: basename(stage.file), err: error }, 'the network cannot be run in batches');
    }
    return checked(stage, original);
  };
  const stages: Record<string, Stage> = {};
  // One after the other: each may take much of the device's memory while it is checked.
  for (const [name, stage] of Object.entries(pack.pipeline)) stages[name] = await placed(stage as Stage);
  return stages as unknown as PipelineOptions;
}
