import type { Pipeline } from '../native/pipeline.ts';

const SIDE = 96;

function gradientImage(): Buffer {
  const headerBytes = 54;
  const image = Buffer.alloc(headerBytes + SIDE * SIDE * 3);
  image.write('BM', 0, 'latin1');
  image.writeUInt32LE(image.length, 2);
  image.writeUInt32LE(headerBytes, 10);
  image.writeUInt32LE(40, 14);
  image.writeInt32LE(SIDE, 18);
  image.writeInt32LE(SIDE, 22);
  image.writeUInt16LE(1, 26);
  image.writeUInt16LE(24, 28);
  for (let at = 0; at < SIDE * SIDE; at++) {
    image.set([at % 256, (at * 3) % 256, Math.floor(at / SIDE)], headerBytes + at * 3);
  }
  return image;
}

/** The image has no face: landmarks and embedding do not run. */
export async function selfInference(pipeline: Pick<Pipeline, 'analyze'>): Promise<void> {
  const { width, height, format } = await pipeline.analyze(gradientImage(), 'binary');
  if (width !== SIDE || height !== SIDE || format !== 'bmp') {
    throw new Error(
      `Self-inference expected a ${SIDE} x ${SIDE} bmp image, got ${width} x ${height} ${format}.`,
    );
  }
}
