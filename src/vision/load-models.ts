import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { DeviceOptions, Provider } from '../native/device.ts';
import type { Executor } from '../native/executor.ts';
import type { Log } from '../ops/log.ts';
import { startOnDevice, startWithInputs } from './device.ts';
import { removeUnused } from './graph/prepare.ts';
import { openModelPacks } from './model-pack.ts';
import { Recognizer, Recognizers } from './recognizer.ts';

/**
 * The default pack comes first.
 * @throws Error that names the bad file or the device's problem.
 */
export async function loadModels(
  { dataDir, device, modelPack, extraModelPacks }: Config,
  executor: Executor,
  log: Log,
): Promise<{ provider: Provider; recognizers: Recognizers }> {
  const { choice, ...options } = device;
  const load = async (device?: DeviceOptions) => {
    const preparation = device
      ? { folder: join(dataDir, 'engines'), log, device }
      : { folder: join(dataDir, 'prepared'), log };
    const recognizers: Recognizer[] = [];
    const packs = await openModelPacks([modelPack, ...extraModelPacks]);
    for (const pack of packs) recognizers.push(await Recognizer.load(pack, executor, preparation));
    if (!('device' in preparation)) await removeUnused(packs, preparation);
    return new Recognizers(recognizers);
  };
  const { provider, started } = await startOnDevice(choice, log, (provider) => {
    if (provider === 'cpu') return load();
    return startWithInputs(log, (inputLibrary) =>
      load({ provider, ...options, ...(inputLibrary && { inputLibrary }) }),
    );
  });
  return { provider, recognizers: started };
}
