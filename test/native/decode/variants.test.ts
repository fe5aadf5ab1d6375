import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import type { Analysis } from '../../../src/native/pipeline.ts';
import { openModelPack } from '../../../src/vision/model-pack.ts';
import { cosine, usePipeline } from '../../../testing/faces.ts';
import { formatFace, formatFile, formatFileNames } from '../../../testing/images/format-files.ts';
import { portrait } from '../../../testing/photographs.ts';

const parts = usePipeline();

const ORIENTATIONS = [2, 3, 4, 5, 6, 7, 8] as const;

/** Stores the image so that a reader has to turn it upright. */
async function turned(face: Sharp, orientation: number): Promise<Sharp> {
  const turns: Readonly<Record<number, (image: Sharp) => Sharp>> = {
    2: (image) => image.flop(),
    3: (image) => image.rotate(180),
    4: (image) => image.flip(),
    5: (image) => image.rotate(90).flip(),
    6: (image) => image.rotate(270),
    7: (image) => image.rotate(270).flip(),
    8: (image) => image.rotate(90),
  };
  const stored = await (turns[orientation] as (image: Sharp) => Sharp)(face.clone()).png().toBuffer();
  return sharp(stored).withMetadata({ orientation });
}

async function variants(): Promise<Map<string, Promise<Buffer>>> {
  const face = await formatFace();
  const opaque = sharp(await face.clone().ensureAlpha(1).png().toBuffer());
  const wide = () => face.clone().toColourspace('rgb16');
  const grey = () => face.clone().greyscale().toColourspace('b-w');
  const inProfile = (profile: string) => face.clone().withIccProfile(profile);
  const files: Record<string, Sharp> = {
    'jpeg 4:4:4': face.clone().jpeg({ quality: 95, chromaSubsampling: '4:4:4' }),
    'jpeg 4:2:0': face.clone().jpeg({ quality: 90, chromaSubsampling: '4:2:0' }),
    'jpeg progressive': face.clone().jpeg({ quality: 90, progressive: true }),
    'jpeg quality 70': face.clone().jpeg({ quality: 70 }),
    'jpeg P3': inProfile('p3').jpeg({ quality: 95 }),
    'jpeg sRGB profile': inProfile('srgb').jpeg({ quality: 95 }),
    'jpeg CMYK': inProfile('cmyk').toColourspace('cmyk').jpeg({ quality: 95 }),
    png: face.clone().png(),
    'png interlaced': face.clone().png({ progressive: true }),
    'png 16 bits': wide().png(),
    'png alpha': opaque.clone().png(),
    'png palette': face.clone().png({ palette: true }),
    'png P3': inProfile('p3').png(),
    webp: face.clone().webp({ quality: 90 }),
    'webp lossless': face.clone().webp({ lossless: true }),
    'webp alpha': opaque.clone().webp({ quality: 90 }),
    'webp P3': inProfile('p3').webp({ quality: 95 }),
    gif: face.clone().gif(),
    'avif 4:4:4': face.clone().avif({ quality: 80 }),
    'avif 4:2:0': face.clone().avif({ quality: 80, chromaSubsampling: '4:2:0' }),
    'avif lossless': face.clone().avif({ lossless: true }),
    'avif alpha': opaque.clone().avif({ quality: 80 }),
    'avif P3': inProfile('p3').avif({ quality: 80 }),
    'tiff none': face.clone().tiff({ compression: 'none' }),
    'tiff lzw': face.clone().tiff({ compression: 'lzw', predictor: 'horizontal' }),
    'tiff deflate': face.clone().tiff({ compression: 'deflate' }),
    'tiff packbits': face.clone().tiff({ compression: 'packbits' }),
    'tiff jpeg': face.clone().tiff({ compression: 'jpeg', quality: 90 }),
    'tiff webp': face.clone().tiff({ compression: 'webp', quality: 90 }),
    'tiff tiles': face.clone().tiff({ tile: true, tileWidth: 64, tileHeight: 64, compression: 'lzw' }),
    'tiff jpeg tiles': face
      .clone()
      .tiff({ tile: true, tileWidth: 64, tileHeight: 64, compression: 'jpeg', quality: 90 }),
    'tiff 16 bits': wide().tiff({ compression: 'deflate' }),
    'tiff alpha': opaque.clone().tiff({ compression: 'lzw' }),
    'tiff CMYK': inProfile('cmyk').toColourspace('cmyk').tiff({ compression: 'lzw' }),
    'tiff P3': inProfile('p3').tiff({ compression: 'lzw' }),
    'grey jpeg': grey().jpeg({ quality: 95 }),
    'grey png': grey().png(),
    'grey 16 bits png': face.clone().greyscale().toColourspace('grey16').png(),
    'grey webp': grey().webp({ quality: 95 }),
    'grey tiff': grey().tiff({ compression: 'lzw' }),
    'grey 16 bits tiff': face.clone().greyscale().toColourspace('grey16').tiff({ compression: 'deflate' }),
  };
  for (const orientation of ORIENTATIONS) {
    files[`jpeg orientation ${orientation}`] = (await turned(face, orientation)).jpeg({ quality: 95 });
    files[`tiff orientation ${orientation}`] = (await turned(face, orientation)).tiff({ compression: 'lzw' });
  }
  return new Map(Object.entries(files).map(([name, file]) => [name, file.toBuffer()]));
}

const MAX_SHIFT = 3;
const MAX_DIFFERENCE = 1;

describe('one face in every format', () => {
  test('has the same box and the same similarity', async () => {
    const { similarity } = await openModelPack('faceplugin');
    assert.ok(similarity);
    const analyze = (file: Buffer) =>
      parts.pipeline.analyze(file, 'binary', { template: true, largestOnly: true });
    const edgesOf = ({ faces: [face] }: Analysis) => {
      const { x, y, width, height } = face?.box ?? { x: NaN, y: NaN, width: NaN, height: NaN };
      return [x, y, x + width, y + height];
    };
    const face = await formatFace();
    const { template: probe } = await analyze(await portrait('annaElsewhere'));
    const files = await variants();
    for (const name of formatFileNames()) {
      if (name !== 'clap.avif') files.set(name, Promise.resolve(formatFile(name)));
    }
    assert.ok(files.size >= 60);

    const originals = {
      colour: await analyze(await face.clone().png().toBuffer()),
      grey: await analyze(await face.clone().greyscale().png().toBuffer()),
    };
    for (const [name, file] of files) {
      const original = name.startsWith('grey') ? originals.grey : originals.colour;
      const found = await analyze(await file);
      const edges = edgesOf(found);
      const shifts = edgesOf(original).map((edge, i) => Math.abs(edge - (edges[i] ?? NaN)));
      assert.ok(
        shifts.every((shift) => shift <= MAX_SHIFT),
        `${name}: the edges moved by ${shifts.join(', ')} pixels`,
      );
      const [a = 0, b = 0] = [found, original].map(({ template }) =>
        similarity.toSimilarity(cosine(template, probe)),
      );
      assert.ok(Math.abs(a - b) <= MAX_DIFFERENCE, `${name}: similarity ${a}, the original ${b}`);
    }
  });
});
