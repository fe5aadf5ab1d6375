import { existsSync } from 'node:fs';
import type { DeviceChoice } from '../config/config.ts';
import { CUDA_LIBRARY, type Provider, whyInputsUnavailable, whyUnavailable } from '../native/device.ts';
import type { Log } from '../ops/log.ts';

const ON_GPU = ['tensorrt', 'cuda'] as const;

/**
 * `auto` tries each GPU provider, then the CPU; warns if a GPU with installed libraries fails.
 * @throws Error if an explicit choice fails.
 */
export async function startOnDevice<Started>(
  choice: DeviceChoice,
  log: Log,
  start: (provider: Provider) => Promise<Started>,
): Promise<{ readonly provider: Provider; readonly started: Started }> {
  checkDeviceChoice(choice);
  if (choice !== 'auto') {
    try {
      return { provider: choice, started: await start(choice) };
    } catch (error) {
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
      log.warn({ device: provider, reason: failed[provider] }, 'the GPU cannot be used');
    }
  }
  log.info('no GPU: the networks run on the CPU');
  log.debug({ failed }, 'why no GPU can be used');
  return { provider: 'cpu', started: await start('cpu') };
}

/** @throws Error if an explicit choice does not load. */
export function checkDeviceChoice(choice: DeviceChoice): void {
  const why = choice === 'auto' ? null : whyUnavailable(choice);
  if (why !== null) throw new Error(notUsable(choice, why));
}

function notUsable(choice: DeviceChoice, why: string): string {
  const end = /[.!?]$/.test(why) ? '' : '.';
  return `The device ${choice} cannot be used: ${why}${end} Set device to auto or cpu to run without it.`;
}

/**
 * Falls back to inputs in host memory, and logs why.
 * @throws errors of `start` without a library.
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
      log.info('network inputs are made in GPU memory');
      return started;
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
  }
  log.warn({ why }, 'network inputs are made in host memory and copied to the GPU');
  return start();
}
