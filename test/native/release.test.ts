import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { releaseBytes } from '../../src/native/system.ts';
import { usePipeline } from '../../testing/faces.ts';
import { photograph } from '../../testing/photographs.ts';

const parts = usePipeline({ threads: 1, maxQueue: 4 });

describe('memory of bytes', () => {
  test('is given back where they are all of a buffer, and they are empty then', () => {
    const bytes = new Uint8Array(100_000);
    const { buffer } = bytes;
    assert.equal(releaseBytes(bytes), true);
    assert.equal(bytes.length, 0);
    assert.equal(buffer.byteLength, 0);
    assert.equal(releaseBytes(bytes), false);
  });

  test('stays where others have a part of the buffer', () => {
    const whole = new Uint8Array(100_000).fill(7);
    assert.equal(releaseBytes(whole.subarray(1)), false);
    assert.equal(releaseBytes(whole.subarray(0, 99_999)), false);
    assert.deepEqual(whole, new Uint8Array(100_000).fill(7));
  });

  test('stays for as long as a picture in it is worked on', async () => {
    const { pipeline } = parts;
    const picture = Uint8Array.from(photograph(1));
    const expected = await pipeline.analyze(picture.slice(), 'binary');
    const padded = new Uint8Array(picture.length + 10);
    padded.set(picture, 10);
    const first = pipeline.analyze(padded.subarray(10), 'binary');
    const second = pipeline.analyze(padded.subarray(10), 'binary');
    assert.equal(releaseBytes(padded), false);
    await first;
    assert.equal(releaseBytes(padded), false);
    assert.deepEqual((await second).template, expected.template);
    assert.equal(releaseBytes(padded), true);
    await assert.rejects(pipeline.analyze(padded, 'binary'), { code: 'INVALID_IMAGE' });
  });
});
