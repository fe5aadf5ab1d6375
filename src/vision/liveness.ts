import type { LivenessClass } from '../native/pipeline-options.ts';

export interface LivenessScale {
  /** In the order of the probabilities. */
  readonly classes: readonly LivenessClass[];
  /** Minimum probability of a live face, 0..1. */
  readonly threshold: number;
}

export interface LivenessVerdict {
  readonly isLive: boolean;
  /** 0.5 (at the threshold) to 1. */
  readonly confidence: number;
  /** Null for a live face or an unknown attack. */
  readonly spoofType: 'print' | 'replay' | null;
}

/** Keeps the logarithms finite. */
const MIN_PROBABILITY = 1e-6;

/**
 * Averages log probabilities, which equals averaging logits.
 * @param frames at least one, in the order of `classes`.
 */
export function livenessOf(
  frames: readonly Float32Array[],
  { classes, threshold }: LivenessScale,
): LivenessVerdict {
  const fused = fuse(frames);
  const live = logit(fused[classes.indexOf('live')] ?? 0);
  const distance = live - logit(threshold);
  const isLive = distance >= 0;
  return {
    isLive,
    confidence: Math.round(1e4 / (1 + Math.exp(-Math.abs(distance)))) / 1e4,
    spoofType: isLive ? null : likeliestAttack(fused, classes),
  };
}

function fuse(frames: readonly Float32Array[]): number[] {
  const logs = Array.from(frames[0] ?? [], (_, i) =>
    frames.reduce((sum, frame) => sum + Math.log(bounded(frame[i] ?? 0)), 0),
  );
  const powers = logs.map((sum) => Math.exp(sum / frames.length));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function likeliestAttack(
  probabilities: readonly number[],
  classes: readonly LivenessClass[],
): LivenessVerdict['spoofType'] {
  let best: LivenessClass = 'other';
  let most = 0;
  for (const [i, probability] of probabilities.entries()) {
    const kind = classes[i] ?? 'other';
    if (kind !== 'live' && probability > most) [best, most] = [kind, probability];
  }
  return best === 'print' || best === 'replay' ? best : null;
}

function logit(probability: number): number {
  const p = bounded(probability);
  return Math.log(p / (1 - p));
}

function bounded(probability: number): number {
  return Math.min(1 - MIN_PROBABILITY, Math.max(MIN_PROBABILITY, probability));
}
