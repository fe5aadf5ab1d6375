import { joinColumns } from './columns.ts';
import { splitPRelus } from './prelu.ts';
import { joinSegment } from './segment.ts';

/** A way to make a network faster, and what it must keep of the original's outputs. */
export interface Rewrite {
  /** Gives the very bytes that it was given where it has nothing to change. */
  readonly rewrite: (model: Uint8Array) => Uint8Array;
  readonly leastCosine: number;
  readonly mostDifference: number;
}

/** By their names. */
export const REWRITES = {
  // Integers of 16 bits: the networks of the packs that are shipped keep 1 - 2e-6 and 2e-3 even on noise.
  segment: {
    rewrite: (model) => {
      const begun = joinSegment(model);
      // By itself the end is hardly faster in columns.
      return begun === model ? model : joinColumns(begun);
    },
    leastCosine: 1 - 1e-5,
    mostDifference: 5e-3,
  },
  // The same function up to rounding: 1 - 5e-13 and 2e-6. Rounding in another order is no more in a deeper network,
  // and a wrong slope in one channel is far beyond.
  prelu: { rewrite: (model) => splitPRelus(model).model, leastCosine: 1 - 1e-6, mostDifference: 1e-3 },
} as const satisfies Readonly<Record<string, Rewrite>>;
