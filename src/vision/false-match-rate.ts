/**
 * The false match rate (FMR) of a similarity: the chance that one comparison of two strangers reaches it. The
 * scale of every pack fixes these points; between them, log10(FMR) is linear in the similarity.
 */

/** (similarity, log10 of the FMR), measured by `calibration.ts` from 50 on. */
const POINTS = [
  [0, 0],
  [50, -1],
  [60, -2],
  [70, -3],
  [80, -4],
  [90, -5],
  [95, -6],
] as const;

const DIGITS = 6;
/** Relative; larger than rounding errors of the logarithms. */
const TOLERANCE = 1e-9;

/**
 * @param similarity 0..100.
 * @returns 1e-6..1, rounded up to 6 digits; never rises with the similarity. From 95 on 1e-6: the scale
 * measures no lower rate.
 */
export function falseMatchRateAt(similarity: number): number {
  let [lower, log] = POINTS[0] as readonly [number, number];
  for (const [upper, upperLog] of POINTS) {
    if (similarity < upper) {
      log += ((similarity - lower) / (upper - lower)) * (upperLog - log);
      break;
    }
    [lower, log] = [upper, upperLog];
  }
  return roundedUp(10 ** log, DIGITS);
}

/**
 * The lowest threshold, in hundredths, whose FMR is at most `rate`.
 * @param rate 1e-6..1.
 * @returns 0..95.
 */
export function thresholdAt(rate: number): number {
  const log = Math.log10(rate);
  let [lower, lowerLog] = POINTS[0] as readonly [number, number];
  for (const [upper, upperLog] of POINTS) {
    if (log >= upperLog) {
      const share = lowerLog === upperLog ? 0 : (lowerLog - log) / (lowerLog - upperLog);
      let hundredths = Math.max(0, Math.floor(100 * (lower + share * (upper - lower))) - 1);
      while (falseMatchRateAt(hundredths / 100) > rate * (1 + TOLERANCE)) hundredths++;
      return hundredths / 100;
    }
    [lower, lowerLog] = [upper, upperLog];
  }
  return lower;
}

/**
 * The FMR at which a stranger matches any of several people with the given chance.
 * @param falsePositiveRate below 1. @param comparisons at least 1.
 */
export function falseMatchRateFor(falsePositiveRate: number, comparisons: number): number {
  return -Math.expm1(Math.log1p(-falsePositiveRate) / comparisons);
}

/** Inverts `falseMatchRateFor`. */
export function falsePositiveRateFor(falseMatchRate: number, comparisons: number): number {
  return -Math.expm1(comparisons * Math.log1p(-falseMatchRate));
}

/** Whether a scale that reaches down to `least` has a threshold for `rate`. */
export function isCovered(rate: number, least: number): boolean {
  return rate >= least * (1 - TOLERANCE);
}

export function roundedUp(rate: number, digits: number): number {
  const unit = 10 ** (Math.floor(Math.log10(rate)) + 1 - digits);
  return Number((Math.ceil((rate / unit) * (1 - TOLERANCE)) * unit).toPrecision(digits));
}
