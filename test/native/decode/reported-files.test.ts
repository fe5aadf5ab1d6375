import { describe, test } from 'node:test';
import {
  asSharpSees,
  assertRefused,
  assertSamePicture,
  photograph,
  useDecoder,
} from '../../../testing/images/images.ts';
import { findSegment } from '../../../testing/images/jpeg-file.ts';
import { REPORTED } from '../../../testing/images/reported-files.ts';

const decode = useDecoder();

for (const [format, reports] of Object.entries(REPORTED)) {
  describe(`a reported ${format} file is read:`, () => {
    for (const [name, { file, like, tolerance = 0 }] of Object.entries(reports)) {
      test(name, async () => {
        const bytes = await file();
        const expected = like ? await like(decode) : await asSharpSees(bytes);
        const pixels = Buffer.isBuffer(expected) ? await decode(expected) : expected;
        assertSamePicture(await decode(bytes), pixels, tolerance);
      });
    }
  });
}

test('a JPEG of 12 bits a sample is refused with its reason (image-rs/jpeg-decoder#40)', async () => {
  const file = await photograph().jpeg().toBuffer();
  file[findSegment(file, 0xc0) + 4] = 12;
  await assertRefused(decode(file), 'UNSUPPORTED_IMAGE', /8 bits/);
});
