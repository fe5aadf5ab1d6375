import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DeviceOptions } from '../../native/device.ts';
import type { Executor } from '../../native/executor.ts';
import { compareNetworks } from '../../native/networks.ts';
import type { PipelineOptions } from '../../native/pipeline-options.ts';
import type { Log } from '../../ops/log.ts';
import type { ModelPack } from '../model-pack.ts';
import { freeBatch } from './batch.ts';
import { checkInputs } from './check-inputs.ts';
import { changedStages, type Stage } from './stages.ts';

/** Scores of two templates against a third differ by at most 0.014. Half precision reaches 1 - 1e-5. */
const MIN_COSINE = 0.9999;

const FILLED_WITHIN_MS = 200;

export interface DevicePreparation {
  /** Created if missing. Delete only while nothing runs; TensorRT takes minutes to rebuild its engines. */
  readonly folder: string;
  readonly log: Log;
  readonly device: DeviceOptions;
}

/**
 * With a free batch if possible, in folders named by SHA-256.
 * @throws Error if a network fails on the device or differs from the CPU.
 */
export async function deviceNetworks(
  pack: ModelPack,
  executor: Executor,
  { folder, log, device }: DevicePreparation,
): Promise<PipelineOptions> {
  const filled = { ...device, maxDelayMs: FILLED_WITHIN_MS };
  const checked = async <S extends Stage>(stage: S, model: Uint8Array): Promise<S> => {
    const own = join(folder, createHash('sha256').update(model).digest('hex'));
    const file = join(own, basename(stage.file));
    await mkdir(own, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, model, { mode: 0o600 });
    await rename(`${file}.new`, file);
    const { values, shape } = checkInputs(stage.input, model);
    const { cosine } = await compareNetworks(executor, stage.file, file, values, { device: filled, shape });
    if (cosine >= MIN_COSINE) return { ...stage, file };
    throw new Error(
      `The network ${basename(file)} gives different outputs on the device ${device.provider} than on the CPU: ` +
        `expected a cosine of at least ${MIN_COSINE}, got ${cosine.toFixed(6)}.`,
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
  const files = new Map<string, string>();
  // One at a time: a check may need most of the device's memory.
  return changedStages(pack.pipeline, async (stage) => {
    const known = files.get(stage.file);
    if (known !== undefined) return { ...stage, file: known };
    const placedStage = await placed(stage);
    files.set(stage.file, placedStage.file);
    return placedStage;
  });
}
