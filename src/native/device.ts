/** What runs networks. */
import { fileURLToPath } from 'node:url';
import { addon } from './addon.ts';

/** ONNX Runtime's execution providers that networks may run on. */
export const PROVIDERS = ['cpu', 'cuda', 'tensorrt'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** What runs networks. A GPU is the first one; `CUDA_VISIBLE_DEVICES` makes another the first. */
export interface DeviceOptions {
  readonly provider: Provider;
  /**
   * Inputs of several threads, 1..64, that are joined to one run of a network whose first dimension is free; others run
   * one by one.
   */
  readonly maxBatch: number;
  /** How long the first of them waits for others, 0..1000. While another run is under way, all wait and are joined. */
  readonly maxDelayMs: number;
  /** Bytes of the GPU's memory that each network may take; 0 for all. */
  readonly memoryLimit: number;
  /** The library that makes networks' inputs in the GPU's memory; without it they are made in the computer's. */
  readonly inputLibrary?: string;
}

/** The one for CUDA, beside the addon where set-up was asked to build it. */
export const CUDA_LIBRARY = fileURLToPath(new URL('../../../build/Release/visage_cuda.so', import.meta.url));

interface Part {
  whyUnavailable(provider: Provider): string | null;
  whyInputsUnavailable(library: string): string | null;
}

/**
 * Why a provider cannot be used here: which library is missing or does not load, in words for the operator. Null where it
 * can be tried; whether there is a GPU shows when a network is loaded.
 */
export function whyUnavailable(provider: Provider): string | null {
  return addon<Part>().whyUnavailable(provider);
}

/**
 * Why a library cannot make networks' inputs here: it does not load, finds no GPU, or what it makes is not what the CPU
 * makes, in words for the operator. Null where it can; then it stays loaded.
 */
export function whyInputsUnavailable(library: string): string | null {
  return addon<Part>().whyInputsUnavailable(library);
}
