import { sample } from '../search-service.ts';

/** 640 x 480 cuts of the six sample photographs, JPEGs of quality 90. */
export function pictures(): Promise<Buffer[]> {
  return Promise.all([1, 2, 3, 4, 5, 6].map((n) => sample(n, 640, 480).jpeg({ quality: 90 }).toBuffer()));
}
