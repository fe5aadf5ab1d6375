const SCALE: readonly (readonly [similarity: number, exponent: number])[] = [
  [70, -3],
  [80, -4],
  [90, -5],
  [95, -6],
];

const ROUNDING = 1e-9;

/** False match rate of one comparison at a similarity of 0 to 100: between and beyond the points of the scale, a line in log space. */
export function falseMatchRate(similarity: number): number {
  const above = SCALE.findIndex(([point]) => similarity <= point);
  const upper = Math.max(1, above === -1 ? SCALE.length - 1 : above);
  const [[from, low], [to, high]] = SCALE.slice(upper - 1, upper + 1) as [[number, number], [number, number]];
  const exponent = low + ((similarity - from) * (high - low)) / (to - from);
  return Math.min(1, 10 ** exponent);
}

/** Chance that a stranger matches any of `people` at this threshold: 1 - (1 - FMR)^N. */
export function strangerMatchRate(threshold: number, people: number): number {
  const rate = falseMatchRate(threshold);
  return people === 0 ? 0 : rate === 1 ? 1 : -Math.expm1(people * Math.log1p(-rate));
}

/**
 * The whole similarity from which at most this share of strangers matches any of `people`, as the service computes it.
 * Null beyond the end of the scale, where the service refuses to search.
 */
export function thresholdOfRate(rate: number, people: number): number | null {
  const exponent = Math.log10(-Math.expm1(Math.log1p(-rate) / Math.max(1, people)));
  const upper = SCALE.findIndex(([, end]) => exponent >= end - ROUNDING);
  if (upper === -1) return null;
  const [[from, high], [to, low]] = SCALE.slice(Math.max(0, upper - 1)) as [
    [number, number],
    [number, number],
  ];
  return Math.max(0, Math.ceil(from + ((exponent - high) * (to - from)) / (low - high) - ROUNDING));
}

/** Two leading digits, as a person would round. */
function rounded(value: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1);
  return Math.round(value / step) * step;
}

/** The N of "1 in N". */
export function oneIn(rate: number): number {
  return rounded(1 / rate);
}

export type StrangerOdds =
  | { readonly kind: 'empty' }
  /** More than half: `count` of 100. */
  | { readonly kind: 'most'; readonly count: number }
  | { readonly kind: 'one'; readonly count: number }
  | { readonly kind: 'rare' };

const RARE = 1e-7;

/**
 * Consequence of a threshold for a collection, for a sentence such as "about 1 in 400 strangers would match
 * someone".
 */
export function strangerOdds(threshold: number, people: number): StrangerOdds {
  if (people === 0) return { kind: 'empty' };
  const rate = strangerMatchRate(threshold, people);
  if (rate > 0.5) return { kind: 'most', count: Math.min(99, Math.round(rate * 100)) };
  if (rate < RARE) return { kind: 'rare' };
  return { kind: 'one', count: oneIn(rate) };
}
