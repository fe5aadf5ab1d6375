import { addon, withCallerStack } from './addon.ts';
import type { DeviceOptions } from './device.ts';
import type { Executor } from './executor.ts';

/** Worst results over all inputs and outputs. */
export interface NetworkComparison {
  readonly cosine: number;
  /** Maximum |a - b|, divided by the original's largest |a|. */
  readonly difference: number;
  readonly originalMs: number;
  readonly changedMs: number;
}

interface Exports {
  compareNetworks(
    executor: Executor,
    original: string,
    changed: string,
    inputs: Float32Array,
    device?: DeviceOptions,
    shape?: BigInt64Array,
  ): Promise<NetworkComparison>;
  runtimeVersion(): string;
}

/**
 * The original runs on the CPU.
 * @param original an ONNX file with one input, floats only, as is `changed`.
 * @param inputs one or more, finite.
 * @param on device for `changed` (default CPU); input shape if more than the batch is free.
 * @throws Error if a network does not load, or shapes differ.
 */
export function compareNetworks(
  executor: Executor,
  original: string,
  changed: string,
  inputs: Float32Array,
  on: { readonly device?: DeviceOptions; readonly shape?: readonly number[] } = {},
): Promise<NetworkComparison> {
  const shape = on.shape && BigInt64Array.from(on.shape, BigInt);
  return withCallerStack(
    addon<Exports>().compareNetworks(executor, original, changed, inputs, on.device, shape),
  );
}

export function runtimeVersion(): string {
  return addon<Exports>().runtimeVersion();
}
