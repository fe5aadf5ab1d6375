/** Networks outside of a pipeline, for their preparation. */
import { addon, crossing } from './addon.ts';
import type { DeviceOptions } from './device.ts';
import type { Executor } from './executor.ts';

/** How far the outputs of two networks are apart: the worst of all inputs and outputs. NaN is worse than any number. */
export interface NetworkComparison {
  /** Least cosine of two outputs, -1..1. */
  readonly cosine: number;
  /** Most of |a - b| of two values, over the largest |a| of the original's output. */
  readonly difference: number;
  /** Processor time of a run, the least of all. */
  readonly originalMs: number;
  readonly changedMs: number;
}

interface Part {
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
 * Runs two networks on the same inputs, as one job of the executor.
 * @param original path of an ONNX file with one input, everything of floats; so is `changed`. Runs on the CPU.
 * @param inputs finite values of one or more inputs, one after the other.
 * @param on what runs `changed`, the CPU by default, as many inputs at a time as its batch holds; and the inputs' shape,
 *   needed where the files leave more free than the batch.
 * @throws Error where one does not load, or their shapes differ.
 */
export function compareNetworks(
  executor: Executor,
  original: string,
  changed: string,
  inputs: Float32Array,
  on: { readonly device?: DeviceOptions; readonly shape?: readonly number[] } = {},
): Promise<NetworkComparison> {
  const shape = on.shape && BigInt64Array.from(on.shape, BigInt);
  return crossing(addon<Part>().compareNetworks(executor, original, changed, inputs, on.device, shape));
}

/** Version of ONNX Runtime, such as `1.30.0`. */
export function runtimeVersion(): string {
  return addon<Part>().runtimeVersion();
}
