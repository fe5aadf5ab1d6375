import type { Store } from '../store/store.ts';
import type { GalleryIndexes } from '../vector/galleries.ts';
import type { Recognizers } from '../vision/recognizers.ts';

/** What recognition works with. */
export interface RecognitionParts {
  readonly store: Store;
  readonly indexes: GalleryIndexes;
  readonly recognizers: Recognizers;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
