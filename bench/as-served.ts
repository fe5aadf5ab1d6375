/** Model packs as the service runs them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SETTING_GROUPS } from '../src/config/settings-table.ts';
import type { Executor } from '../src/native/executor.ts';
import { createLog } from '../src/ops/log.ts';
import type { ModelPack } from '../src/vision/model-pack.ts';
import { Recognizer } from '../src/vision/recognizer.ts';

export const DEFAULT_PACK = SETTING_GROUPS['Models and processing'].model_pack.default;

export async function loadAsServed(pack: ModelPack, executor: Executor): Promise<Recognizer> {
  const folder = await mkdtemp(join(tmpdir(), 'visage-bench-'));
  try {
    return await Recognizer.load(pack, executor, { folder, log: createLog('warn') });
  } finally {
    await rm(folder, { recursive: true });
  }
}
