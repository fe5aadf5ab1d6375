import type { LivenessClass } from '../native/pipeline-options.ts';

/** Of each look, in the order of the pack. */
export type LivenessScale = readonly {
  /** In the order of the probabilities. */
  readonly classes: readonly LivenessClass[];
  /** Minimum probability of a live face, 0..1. */
  readonly threshold: number;
}[];

export interface LivenessVerdict {
  readonly isLive: boolean;
  readonly confidence: number;
  /** Null for a live face or an unknown attack. */
  readonly spoofType: 'print' | 'replay' | null;
}

/** Keeps the logarithms finite. */
const MIN_PROBABILITY = 1e-6;

/**
 * Averages the log-odds of a live face, less the threshold's, over all frames and looks.
 * @param frames at least one, each with the probabilities of all looks.
 */
export function livenessOf(frames: readonly Float32Array[], scale: LivenessScale): LivenessVerdict {
  let distance = 0;
  const attacks = new Map<LivenessClass, number>();
  for (const frame of frames) {
    let at = 0;
    for (const { classes, threshold } of scale) {
      for (const kind of classes) {
        const probability = frame[at++] ?? 0;
        if (kind === 'live') distance += logit(probability) - logit(threshold);
        else attacks.set(kind, (attacks.get(kind) ?? 0) + probability);
      }
    }
  }
  distance /= frames.length * scale.length;
  const isLive = distance >= 0;
  return {
    isLive,
    confidence: Math.round(1e4 / (1 + Math.exp(-Math.abs(distance)))) / 1e4,
    spoofType: isLive ? null : likeliest(attacks),
  };
}

function likeliest(attacks: ReadonlyMap<LivenessClass, number>): LivenessVerdict['spoofType'] {
  const [[kind] = ['other']] = [...attacks].sort(([, a], [, b]) => b - a);
  return kind === 'print' || kind === 'replay' ? kind : null;
}

function logit(probability: number): number {
  const p = bounded(probability);
  return Math.log(p / (1 - p));
}

function bounded(probability: number): number {
  return Math.min(1 - MIN_PROBABILITY, Math.max(MIN_PROBABILITY, probability));
}
