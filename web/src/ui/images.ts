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
  'image/tiff',
  'image/jp2',
  'image/heic',
  'image/heif',
  'image/avif',
];
/** Systems without a type for a file name its extension only. */
export const IMAGE_EXTENSIONS: readonly string[] = [
  '.heic',
  '.heif',
  '.hif',
  '.avif',
  '.tif',
  '.tiff',
  '.jp2',
  '.j2k',
  '.j2c',
  '.jpc',
  '.jpf',
  '.jpx',
];
/** Files of one drop. */
export const MAX_PICKED = 20_000;
