import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { VisageError } from '../../src/errors.ts';
import { type ImageEncoding, loadPipeline } from '../../src/native/pipeline.ts';
import type { PipelineOptions } from '../../src/native/pipeline-options.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { usePipeline } from '../../testing/faces.ts';

const parts = usePipeline();

async function failure(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => assert.fail('It did not fail'),
    (error: Error) => error,
  );
}

describe('a failure of the addon', () => {
  test('is an error with a code whose stack leads to the caller', async () => {
    async function whoeverSentThePicture() {
      await parts.pipeline.analyze(Buffer.from('not a picture'), 'binary');
    }
    const error = await failure(whoeverSentThePicture());
    assert.ok(error instanceof VisageError);
    assert.equal(error.code, 'UNSUPPORTED_IMAGE');
    assert.match(error.stack ?? '', /whoeverSentThePicture/);
  });

  test('is a TypeError at once where an argument has the wrong type', () => {
    const { pipeline } = parts;
    assert.throws(() => pipeline.analyze('text' as unknown as Uint8Array, 'base64'), {
      name: 'TypeError',
      message: 'image must be a Uint8Array',
    });
    assert.throws(() => pipeline.analyze(new Uint8Array(9), 'hex' as ImageEncoding), {
      name: 'TypeError',
      message: 'encoding must be binary or base64',
    });
  });

  test('names the network that does not load or does not fit, without its folder', async () => {
    const { pipeline } = await openModelPack('faceplugin');
    const folder = await mkdtemp(join(tmpdir(), 'visage-'));
    try {
      const broken = join(folder, 'broken.onnx');
      await writeFile(broken, 'no network');
      const detector = pipeline.detector.file;
      const cases: [PipelineOptions, RegExp][] = [
        [{ ...pipeline, embedder: { ...pipeline.embedder, file: broken } }, /broken\.onnx does not load/],
        [
          { ...pipeline, embedder: { ...pipeline.embedder, file: join(folder, 'gone.onnx') } },
          /gone\.onnx does not load/,
        ],
        [
          { ...pipeline, embedder: { ...pipeline.embedder, dimension: 128 } },
          /fr_feature\.onnx.*1x512.*1x128/,
        ],
        [
          { ...pipeline, landmarks: { ...pipeline.landmarks, file: detector } },
          /fr_detect\.onnx does not load/,
        ],
      ];
      for (const [options, message] of cases) {
        const error = await failure(loadPipeline(parts.executor, options));
        assert.match(error.message, message);
        assert.ok(!error.message.includes(folder), 'the folder does not show');
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('names the field of the options that is wrong', async () => {
    const { pipeline } = await openModelPack('faceplugin');
    const options = { ...pipeline, landmarks: { ...pipeline.landmarks, cropScale: 'wide' } };
    await assert.rejects(loadPipeline(parts.executor, options as unknown as PipelineOptions), {
      message: /landmarks\.cropScale must be a finite number/,
    });
  });
});
