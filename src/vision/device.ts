import { existsSync } from 'node:fs';
import type { DeviceChoice } from '../config/device-settings.ts';
import { CUDA_LIBRARY, type Provider, whyInputsUnavailable, whyUnavailable } from '../native/device.ts';
import type { Log } from '../ops/log.ts';

/** In the order in which `auto` tries them. */
const ON_GPU = ['tensorrt', 'cuda'] as const;

/**
 * Starts the networks on the device of the settings. `auto` tries what there is, and what failed is said in one line of
 * the log.
 * @param start loads the networks. What it made before it fails is left to the garbage collector.
 * @throws Error for the operator where the device that was asked for by its name cannot be used.
 */
export async function startOnDevice<Started>(
  choice: DeviceChoice,
  log: Log,
  start: (provider: Provider) => Promise<Started>,
): Promise<{ readonly provider: Provider; readonly started: Started }> {
  if (choice !== 'auto') {
    const why = whyUnavailable(choice);
    if (why !== null) throw new Error(notUsable(choice, why));
    try {
      return { provider: choice, started: await start(choice) };
    } catch (error) {
      // Without a GPU what fails is the pack's own fault, and its message says all.
      if (choice === 'cpu' || !(error instanceof Error)) throw error;
      throw new Error(notUsable(choice, error.message), { cause: error });
    }
  }
  const failed: Partial<Record<Provider, string>> = {};
  for (const provider of ON_GPU) {
    const why = whyUnavailable(provider);
    if (why !== null) {
      failed[provider] = why;
      continue;
    }
    try {
      return { provider, started: await start(provider) };
    } catch (error) {
      failed[provider] = error instanceof Error ? error.message : String(error);
    }
  }
  log.info({ device: 'cpu', failed }, 'no GPU can be used: the networks run on the CPU');
  return { provider: 'cpu', started: await start('cpu') };
}

function notUsable(choice: DeviceChoice, why: string): string {
  const end = /[.!?]$/.test(why) ? '' : '.';
  return `The device ${choice} cannot be used: ${why}${end} Set device to auto or cpu to go on without it.`;
}

/**
 * Starts networks on a GPU with their inputs made in its memory. Where that cannot be they are made in the computer's, and
 * a line of the log says why.
 * @param start loads the networks, with the library that makes their inputs or without.
 * @throws what `start` throws without a library.
 */
export async function startWithInputs<Started>(
  log: Log,
  start: (inputLibrary?: string) => Promise<Started>,
  library = CUDA_LIBRARY,
): Promise<Started> {
  let why = existsSync(library) ? whyInputsUnavailable(library) : 'this build has no library for CUDA';
  if (why === null) {
    try {
      const started = await start(library);
      log.info("networks' inputs are made in the GPU's memory");
      return started;
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
  }
  log.warn({ why }, "networks' inputs are made in the computer's memory and copied to the GPU");
  return start();
}
