import { fileURLToPath } from 'node:url';
import { addon } from './addon.ts';

export const PROVIDERS = ['cpu', 'cuda', 'tensorrt'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** `CUDA_VISIBLE_DEVICES` selects another GPU than the first. */
export interface DeviceOptions {
  readonly provider: Provider;
  /** 1..64; needs a network with a free batch dimension. */
  readonly maxBatch: number;
  /** Wait for more inputs, 0..1000 ms. */
  readonly maxDelayMs: number;
  /** GPU memory per network; 0 for no limit. */
  readonly memoryLimit: number;
  readonly inputLibrary?: string;
}

/** The build may omit this library. */
export const CUDA_LIBRARY = fileURLToPath(new URL('../../../build/Release/visage_cuda.so', import.meta.url));

interface Exports {
  whyUnavailable(provider: Provider): string | null;
  whyInputsUnavailable(library: string): string | null;
}

/** Only loading a network shows whether a GPU exists. */
export function whyUnavailable(provider: Provider): string | null {
  return addon<Exports>().whyUnavailable(provider);
}

/** A sentence for the operator; null if the library works and matches the CPU. It then stays loaded. */
export function whyInputsUnavailable(library: string): string | null {
  return addon<Exports>().whyInputsUnavailable(library);
}
