import { fileURLToPath } from 'node:url';
import { addon } from './addon.ts';

/** ONNX Runtime's execution providers. */
export const PROVIDERS = ['cpu', 'cuda', 'tensorrt'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** A GPU provider uses the first GPU; `CUDA_VISIBLE_DEVICES` selects another. */
export interface DeviceOptions {
  readonly provider: Provider;
  /** Inputs that a run may batch, 1..64, if the network's batch dimension is free. */
  readonly maxBatch: number;
  /** Time to wait for more inputs, 0..1000 ms. During a run, all inputs wait. */
  readonly maxDelayMs: number;
  /** Bytes of GPU memory per network; 0 for no limit. */
  readonly memoryLimit: number;
  /** Library that prepares inputs in GPU memory; default: host memory. */
  readonly inputLibrary?: string;
}

/** The build may omit this library. */
export const CUDA_LIBRARY = fileURLToPath(new URL('../../../build/Release/visage_cuda.so', import.meta.url));

interface Exports {
  whyUnavailable(provider: Provider): string | null;
  whyInputsUnavailable(library: string): string | null;
}

/**
 * Returns a sentence for the operator; null if the libraries load. Only loading a network shows whether a GPU exists.
 */
export function whyUnavailable(provider: Provider): string | null {
  return addon<Exports>().whyUnavailable(provider);
}

/**
 * Returns a sentence for the operator; null if the library loads, finds a GPU and matches the CPU. The library then
 * stays loaded.
 */
export function whyInputsUnavailable(library: string): string | null {
  return addon<Exports>().whyInputsUnavailable(library);
}
