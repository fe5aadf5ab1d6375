import { addon } from './addon.ts';

interface Part {
  releaseBytes(bytes: Uint8Array): boolean;
}

/**
 * Gives the memory of bytes back at once; they are empty from then on. V8 counts what its collector has not come by yet,
 * and a picture a request has it go through the whole heap every two hundred requests.
 * @returns false where they are only part of a buffer, or work that is under way reads that buffer: then nothing is done.
 */
export function releaseBytes(bytes: Uint8Array): boolean {
  return addon<Part>().releaseBytes(bytes);
}
