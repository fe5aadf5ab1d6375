/** Images that the reader chooses. */

export interface PickedFile {
  readonly file: File;
  /** With its folders: `staff/anna/1.jpg`. */
  readonly path: string;
}

/** Image types that the service reads. */
export const IMAGE_TYPES: readonly string[] = [
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/bmp',
  'image/gif',
];
/** Files of one drop. */
export const MAX_PICKED = 20_000;
