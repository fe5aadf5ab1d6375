/** Settings of what runs the networks. */
import { PROVIDERS, type Provider } from '../native/device.ts';

/** `auto`: the fastest that can be used here. */
export type DeviceChoice = 'auto' | Provider;

export interface DeviceConfig {
  readonly choice: DeviceChoice;
  /** What is joined to one run on a GPU; see `DeviceOptions` of `native/device.ts`. */
  readonly maxBatch: number;
  readonly maxDelayMs: number;
  /** Bytes of a GPU's memory that each network may take; 0 for all. */
  readonly memoryLimit: number;
}

const CHOICES = ['auto', ...PROVIDERS] as const;

/** Properties of the settings' schema. */
export const DEVICE_SETTINGS = {
  device: { type: 'string', enum: CHOICES, description: `one of ${CHOICES.join(', ')}` },
  max_batch: { type: 'integer', minimum: 1, maximum: 64, description: 'a whole number from 1 to 64' },
  max_delay_ms: {
    type: 'integer',
    minimum: 0,
    maximum: 1000,
    description: 'a whole number of milliseconds from 0 to 1000',
  },
  gpu_memory_mb: {
    type: 'integer',
    minimum: 0,
    maximum: 1_000_000,
    description: 'a whole number of megabytes from 0 to 1000000',
  },
} as const;

/** What the schema makes sure of. */
export interface DeviceValues {
  readonly device: DeviceChoice;
  readonly max_batch: number;
  readonly max_delay_ms: number;
  readonly gpu_memory_mb: number;
}

export const DEVICE_DEFAULTS: DeviceValues = {
  device: 'auto',
  max_batch: 8,
  max_delay_ms: 1,
  gpu_memory_mb: 0,
};

export function deviceConfigOf(values: DeviceValues): DeviceConfig {
  return {
    choice: values.device,
    maxBatch: values.max_batch,
    maxDelayMs: values.max_delay_ms,
    memoryLimit: values.gpu_memory_mb * 1_000_000,
  };
}
