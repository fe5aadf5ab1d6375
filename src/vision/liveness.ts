import type { LivenessClass } from '../native/pipeline-options.ts';

/** A pack's `liveness` section, as far as its answers are read with it. */
export interface LivenessScale {
  /** What each probability stands for. */
  readonly classes: readonly LivenessClass[];
  /** Least probability, 0..1, of a face that is called live. */
  readonly threshold: number;
}

/** Whether a face was there itself, and not a picture of it. */
export interface LivenessVerdict {
  readonly isLive: boolean;
  /** How sure this answer is, 0.5..1; 0.5 is on the border between live and not. */
  readonly confidence: number;
  /** What the picture of a face was shown on; null where the face is live or the network cannot tell. */
  readonly spoofType: 'print' | 'replay' | null;
}

/** Probabilities nearer to 0 or 1 than this say no more. */
const LEAST_PROBABILITY = 1e-6;

/**
 * Judges one face by what the network said of it, once or of several frames. Frames are fused by the mean of their
 * logarithms of probability, which is that of their logits.
 * @param frames probabilities in the order of `classes`, one array a frame, at least one.
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

/** Probabilities from the mean logarithm of each class. */
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
  return Math.min(1 - LEAST_PROBABILITY, Math.max(LEAST_PROBABILITY, probability));
}
