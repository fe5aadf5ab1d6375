import { describe, test } from 'node:test';
import {
  asSharpSees,
  assertSamePicture,
  HEIGHT,
  photograph,
  useDecoder,
  WIDTH,
} from '../../../testing/images/images.ts';
import { exifBlock, exifSegment, insertSegments, segment } from '../../../testing/images/jpeg-file.ts';
import { chunk } from '../../../testing/images/png-file.ts';

const decode = useDecoder();

describe('EXIF orientation', () => {
  for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`turns a picture of orientation ${orientation} upright, as sharp does`, async () => {
      const turned = photograph().withMetadata({ orientation });
      const files = [
        await turned.clone().jpeg().toBuffer(),
        await turned.clone().png().toBuffer(),
        await turned.clone().webp({ lossless: true }).toBuffer(),
      ];
      for (const file of files) assertSamePicture(await decode(file), await asSharpSees(file), 1);
    });
  }

  test('is read in either order of bytes', async () => {
    const file = await photograph().jpeg().toBuffer();
    for (const bigEndian of [false, true]) {
      const turned = insertSegments(file, exifSegment(exifBlock(6, bigEndian)));
      assertSamePicture(await decode(turned), await asSharpSees(turned), 1);
    }
  });

  test('is found behind another kind of APP1 segment, and behind the pixels of a PNG', async () => {
    const jpeg = insertSegments(
      await photograph().jpeg().toBuffer(),
      segment(0xe1, Buffer.from('http://ns.adobe.com/xap/1.0/\0<x/>')),
      exifSegment(exifBlock(8, false)),
    );
    assertSamePicture(await decode(jpeg), await asSharpSees(jpeg), 1);
    const upright = await photograph().png().toBuffer();
    const end = upright.length - 12;
    const png = Buffer.concat([
      upright.subarray(0, end),
      chunk('eXIf', exifBlock(6, true)),
      upright.subarray(end),
    ]);
    const { width, height } = await decode(png);
    if (width !== HEIGHT || height !== WIDTH) throw new Error('The picture is not upright');
  });

  test('that is broken or out of range leaves the picture as it is', async () => {
    const file = await photograph().jpeg().toBuffer();
    const expected = await decode(file);
    const sound = exifBlock(6, false);
    const change = (at: number, ...bytes: number[]) => {
      const block = Buffer.from(sound);
      block.set(bytes, at);
      return block;
    };
    const broken = [
      exifBlock(0, false),
      exifBlock(9, true),
      change(4, 0xff, 0xff, 0xff, 0xff),
      change(8, 0xff, 0xff, 0x13),
      change(2, 43),
      change(12, 5),
      change(14, 3),
      sound.subarray(0, 19),
      sound.subarray(0, 1),
    ];
    for (const block of broken) {
      assertSamePicture(await decode(insertSegments(file, exifSegment(block))), expected, 0);
    }
  });
});
