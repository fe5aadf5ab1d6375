import type { Pipeline } from '../native/pipeline.ts';

const SIDE = 96;

/** A 24-bit BMP, 96 x 96, of soft colour gradients. */
function gradientPicture(): Buffer {
  const headerBytes = 54;
  const picture = Buffer.alloc(headerBytes + SIDE * SIDE * 3);
  picture.write('BM', 0, 'latin1');
  picture.writeUInt32LE(picture.length, 2);
  picture.writeUInt32LE(headerBytes, 10);
  picture.writeUInt32LE(40, 14);
  picture.writeInt32LE(SIDE, 18);
  picture.writeInt32LE(SIDE, 22);
  picture.writeUInt16LE(1, 26);
  picture.writeUInt16LE(24, 28);
  for (let at = 0; at < SIDE * SIDE; at++) {
    picture.set([at % 256, (at * 3) % 256, Math.floor(at / SIDE)], headerBytes + at * 3);
  }
  return picture;
}

/**
 * Runs a picture made in code through the pipeline, once. It shows that the executor's threads, the decoder and the
 * detector's network work on this machine. The picture has no face, so landmarks and embedder are loaded but not run.
 * @throws Error if the pipeline fails or sees another picture.
 */
export async function selfInference(pipeline: Pick<Pipeline, 'analyze'>): Promise<void> {
  const { width, height, format } = await pipeline.analyze(gradientPicture(), 'binary');
  if (width !== SIDE || height !== SIDE || format !== 'bmp') {
    throw new Error(`The self-inference saw a ${width} x ${height} ${format} instead of its own picture.`);
  }
}
