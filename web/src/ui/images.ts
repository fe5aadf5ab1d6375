export interface PickedFile {
  readonly file: File;
  /** With its folders: `staff/anna/1.jpg`. */
  readonly path: string;
}

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
export const MAX_PICKED = 20_000;
