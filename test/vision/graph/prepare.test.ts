import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, before, beforeEach, describe, test } from 'node:test';
import { pino } from 'pino';
import { createExecutor, type Executor, type PipelineOptions } from '../../../src/native.ts';
import { tensorMessage } from '../../../src/vision/graph/onnx.ts';
import { type Preparation, prepareNetworks } from '../../../src/vision/graph/prepare.ts';
import { type ModelPack, openModelPack } from '../../../src/vision/model-pack.ts';
import { Recognizer } from '../../../src/vision/recognizer.ts';
import { photograph } from '../../e2e/photographs.ts';
import { cosine } from '../../native/faces.ts';
import { CHANNELS, convAndPRelu, modelBytes, weights } from './small-model.ts';

describe('the preparation of a model pack', () => {
  let scratch: string;
  let executor: Executor;
  let pack: ModelPack;
  let preparation: Preparation;
  let lines: Record<string, unknown>[];

  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'visage-test-'));
    executor = createExecutor({ threads: 2, maxQueue: 16 });
    pack = await openModelPack('faceplugin');
  });
  after(async () => {
    await executor.close();
    rmSync(scratch, { recursive: true });
  });
  beforeEach(() => {
    lines = [];
    const write = (line: Buffer, _: unknown, done: () => void) => {
      lines.push(JSON.parse(line.toString()));
      done();
    };
    preparation = { folder: mkdtempSync(join(scratch, 'prepared-')), log: pino(new Writable({ write })) };
  });

  const prepare = (of = pack) => prepareNetworks(of, executor, preparation);
  const files = () => readdirSync(preparation.folder).sort();
  const verdictFile = (file: string) => file.replace(/onnx$/, 'json');

  /** The default pack's detector and landmarks with another embedder, whose input is 5 x 5. */
  function withEmbedder(bytes: Uint8Array): ModelPack {
    const file = join(scratch, 'embedder.onnx');
    writeFileSync(file, bytes);
    const { liveness: _liveness, pose: _pose, ...pipeline } = pack.pipeline;
    const input = { ...pipeline.embedder.input, width: 5, height: 5 };
    return {
      ...pack,
      pipeline: { ...pipeline, embedder: { ...pipeline.embedder, file, input } },
      hashes: new Map([...pack.hashes, [file, createHash('sha256').update(bytes).digest('hex')]]),
    };
  }

  /** A small network that is rewritten. */
  function smallEmbedder(convolution = weights(3 * CHANNELS)): ModelPack {
    const model = convAndPRelu(tensorMessage('s', [CHANNELS, 1, 1], weights(CHANNELS)));
    const [, slopes] = model.initializers as [Uint8Array, Uint8Array];
    return withEmbedder(
      modelBytes({ ...model, initializers: [tensorMessage('w', [CHANNELS, 3, 1, 1], convolution), slopes] }),
    );
  }

  test('replaces the networks that have a PReLU, each by a file named for the original', async () => {
    const prepared = await prepare();
    const { embedder, liveness } = pack.pipeline;
    assert.ok(liveness);
    const fileOf = ({ file }: { file: string }) =>
      join(preparation.folder, `${pack.hashes.get(file)}-1.onnx`);
    assert.deepEqual(prepared, {
      ...pack.pipeline,
      embedder: { ...embedder, file: fileOf(embedder) },
      liveness: { ...liveness, file: fileOf(liveness) },
    } satisfies PipelineOptions);
    assert.equal(files().filter((name) => name.endsWith('.onnx')).length, 2);
    assert.equal(files().filter((name) => name.endsWith('.json')).length, 5);
    assert.equal(files().length, 7);
    assert.deepEqual(lines, []);
  });

  test('gives the templates of the originals', async () => {
    const picture = photograph(1);
    const [plain, prepared] = await Promise.all([
      Recognizer.load(pack, executor),
      Recognizer.load(pack, executor, preparation),
    ]);
    const templates = await Promise.all(
      [plain, prepared].map(async (each) => (await each.analyze(picture, 'binary')).template),
    );
    assert.ok(cosine(templates[0] ?? null, templates[1] ?? null) > 1 - 1e-6);
    assert.notDeepEqual(templates[0], templates[1], 'the rewritten network was used');
  });

  test('is done once: a later start uses what is there', async () => {
    const { embedder } = await prepare(smallEmbedder());
    const before = [embedder.file, verdictFile(embedder.file)].map(
      (file) => statSync(file, { bigint: true }).mtimeNs,
    );
    assert.equal((await prepare(smallEmbedder())).embedder.file, embedder.file);
    const later = [embedder.file, verdictFile(embedder.file)].map(
      (file) => statSync(file, { bigint: true }).mtimeNs,
    );
    assert.deepEqual(later, before);
  });

  test('is done again where the file is not the one that was checked', async () => {
    const { embedder } = await prepare(smallEmbedder());
    const whole = readFileSync(embedder.file);
    for (const damage of [
      () => appendFileSync(embedder.file, 'x'),
      () => rmSync(embedder.file),
      () => rmSync(verdictFile(embedder.file)),
      () => writeFileSync(verdictFile(embedder.file), '{"runtime":'),
    ]) {
      damage();
      assert.equal((await prepare(smallEmbedder())).embedder.file, embedder.file);
      assert.deepEqual(readFileSync(embedder.file), whole);
    }
    assert.deepEqual(lines, []);
  });

  test('is checked again with another version of the runtime', async () => {
    const { embedder } = await prepare(smallEmbedder());
    const file = verdictFile(embedder.file);
    const verdict = readFileSync(file, 'utf8');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(verdict), runtime: '0.0.1', outcome: 'refused' }));
    assert.equal((await prepare(smallEmbedder())).embedder.file, embedder.file);
    assert.equal(readFileSync(file, 'utf8'), verdict);
  });

  test('keeps the original where the outputs cannot be shown to be the same, and says so at each start', async () => {
    // All outputs are zero, which says nothing.
    const zero = smallEmbedder(new Float32Array(3 * CHANNELS));
    for (let start = 0; start < 2; start++) {
      assert.equal((await prepare(zero)).embedder.file, zero.pipeline.embedder.file);
    }
    assert.deepEqual(
      lines.map(({ level, network, msg }) => ({ level, network, msg })),
      Array(2).fill({
        level: 40,
        network: 'embedder.onnx',
        msg: 'the prepared network differs from the original, which is used',
      }),
    );
    assert.equal(files().filter((name) => name.includes('.onnx') || name.includes('unchecked')).length, 0);
  });

  test('keeps the original of a file that is no network, or not the one of the manifest', async () => {
    const broken = withEmbedder(Buffer.from('not a network'));
    assert.equal((await prepare(broken)).embedder.file, broken.pipeline.embedder.file);
    const altered = smallEmbedder();
    writeFileSync(altered.pipeline.embedder.file, 'altered');
    assert.equal((await prepare(altered)).embedder.file, altered.pipeline.embedder.file);
    assert.deepEqual(
      lines.map(({ level, network }) => [level, network]),
      Array(2).fill([40, 'embedder.onnx']),
    );
    assert.match(JSON.stringify(lines[1]), /not the one that the manifest names/);
  });

  test('lets a pack run as it is where nothing can be written', async () => {
    const occupied = join(scratch, 'occupied');
    writeFileSync(occupied, 'a file where the folder should be');
    preparation = { ...preparation, folder: occupied };
    const recognizer = await Recognizer.load(pack, executor, preparation);
    const { template } = await recognizer.analyze(photograph(1), 'binary');
    assert.equal(template?.length, 512);
    assert.deepEqual(
      lines.map(({ level }) => level),
      [40],
    );
  });

  test('leaves it to the original to say that a pack does not load', async () => {
    // The network is prepared, but is no embedder of 512 values.
    await assert.rejects(
      Recognizer.load(smallEmbedder(), executor, preparation),
      /The network embedder\.onnx does not load/,
    );
  });
});
