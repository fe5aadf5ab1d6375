import { VisageError } from '../errors.ts';
import type { Collection } from '../store/records.ts';
import {
  falseMatchRateFor,
  falsePositiveRateFor,
  isCovered,
  roundedUp,
  thresholdAt,
} from '../vision/false-match-rate.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import { MAX_RATE } from './schemas.ts';

export type Criterion =
  | { readonly threshold: number }
  /** The chance that a stranger matches anyone. */
  | { readonly maxFalsePositiveRate: number }
  /** The chance that one comparison of strangers matches. */
  | { readonly maxFalseMatchRate: number };

type Rate = 'maxFalsePositiveRate' | 'maxFalseMatchRate';

type Settings = { readonly [name in Rate | 'faceMatchThreshold']?: number | null };

const DEFAULT_THRESHOLD = 80;
const LEAST_DIGITS = 3;

/** The call's own wins over the collection's. @throws `VALIDATION_FAILED` for both in one call. */
export function searchCriterion(collection: Collection, own: Settings): Criterion {
  return criterionOf('maxFalsePositiveRate', collection, own);
}

/** As `searchCriterion`, of a comparison with one target. */
export function verifyCriterion(collection: Collection | null, own: Settings): Criterion {
  return criterionOf('maxFalseMatchRate', collection, own);
}

function criterionOf(name: Rate, collection: Collection | null, own: Settings): Criterion {
  if (own.faceMatchThreshold !== undefined && own[name] != null) {
    const message = `give either faceMatchThreshold or ${name}`;
    throw new VisageError('VALIDATION_FAILED', `Please ${message}.`, [
      { path: '/faceMatchThreshold', message },
      { path: `/${name}`, message },
    ]);
  }
  const settings: readonly Settings[] = [own, collection ?? {}];
  for (const { faceMatchThreshold, [name]: rate } of settings) {
    if (faceMatchThreshold != null) return { threshold: faceMatchThreshold };
    if (rate != null) return { [name]: rate } as unknown as Criterion;
  }
  return { threshold: DEFAULT_THRESHOLD };
}

/**
 * @param faces that a search compares with; several of one person count separately.
 * @returns the minimum similarity, 0..100, in hundredths for a rate.
 * @throws `VALIDATION_FAILED` for a rate below the pack's scale.
 */
export function thresholdFor(criterion: Criterion, faces: number, recognizer: Recognizer): number {
  if ('threshold' in criterion) return criterion.threshold;
  const { leastFalseMatchRate: least } = recognizer.similarity;
  const count = Math.max(1, faces);
  if ('maxFalseMatchRate' in criterion) {
    const { maxFalseMatchRate: rate } = criterion;
    if (isCovered(rate, least)) return thresholdAt(rate);
    throw notCovered('maxFalseMatchRate', rate, least, `the scale of ${nameOf(recognizer)} ends there`);
  }
  const { maxFalsePositiveRate: rate } = criterion;
  const needed = falseMatchRateFor(rate, count);
  if (isCovered(needed, least)) return thresholdAt(needed);
  const reason =
    `the call compares with ${count.toLocaleString('en')} faces, and the scale of ` +
    `${nameOf(recognizer)} ends at a false match rate of ${least}`;
  const possible = roundedUp(falsePositiveRateFor(least, count), LEAST_DIGITS);
  throw notCovered('maxFalsePositiveRate', rate, possible, reason);
}

function nameOf({ packId }: Recognizer): string {
  return `the model pack ${packId.pack}`;
}

function notCovered(name: Rate, rate: number, least: number, reason: string): VisageError {
  const expected =
    least > MAX_RATE
      ? `no rate, but faceMatchThreshold (the least rate would be ${least})`
      : `at least ${least}`;
  const message = `expected ${expected}, because ${reason}; got ${rate}`;
  return new VisageError('VALIDATION_FAILED', `${name}: ${message}.`, [{ path: `/${name}`, message }]);
}
