import type { Store } from '../store/store.ts';
import type { GalleryIndexes } from '../vector/galleries.ts';
import type { Recognizer } from '../vision/recognizer.ts';

/** What recognition works with. */
export interface RecognitionParts {
  readonly store: Store;
  readonly indexes: GalleryIndexes;
  readonly recognizer: Recognizer;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
