import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { DeviceOptions, Provider } from '../native/device.ts';
import type { Executor } from '../native/executor.ts';
import type { Log } from '../ops/log.ts';
import { startOnDevice, startWithInputs } from './device.ts';
import { removeUnused } from './graph/prepare.ts';
import { openServedPacks, type PackVersion } from './pack-versions.ts';
import { Recognizer, Recognizers } from './recognizer.ts';

/**
 * The default pack comes first.
 * @param used versions of stored faces. Logs those that cannot be served.
 * @throws Error that names the bad file of a configured pack, or the device's problem.
 */
export async function loadModels(
  { dataDir, device, modelPack, extraModelPacks }: Config,
  executor: Executor,
  log: Log,
  used: readonly PackVersion[] = [],
): Promise<{ provider: Provider; recognizers: Recognizers }> {
  const { choice, ...options } = device;
  const load = async (device?: DeviceOptions) => {
    const preparation = device
      ? { folder: join(dataDir, 'engines'), log, device }
      : { folder: join(dataDir, 'prepared'), log };
    const packs = await openServedPacks([modelPack, ...extraModelPacks], used, (fault) =>
      log.warn(fault, 'a version of a model pack cannot be served: its collections answer NOT_READY'),
    );
    const newest: Recognizer[] = [];
    const older: Recognizer[] = [];
    for (const pack of packs.newest) {
      newest.push(await Recognizer.load(pack, executor, preparation, newest));
    }
    for (const pack of packs.older) {
      older.push(await Recognizer.load(pack, executor, preparation, [...newest, ...older]));
    }
    if (!('device' in preparation)) await removeUnused([...packs.newest, ...packs.older], preparation);
    return new Recognizers(newest, older);
  };
  const { provider, started } = await startOnDevice(choice, log, (provider) => {
    if (provider === 'cpu') return load();
    return startWithInputs(log, (inputLibrary) =>
      load({ provider, ...options, ...(inputLibrary && { inputLibrary }) }),
    );
  });
  return { provider, recognizers: started };
}
