import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { before, beforeEach, describe, test } from 'node:test';
import { nodeMessage, tensorMessage } from '../../../src/vision/graph/onnx.ts';
import { type Preparation, prepareNetworks, removeUnused } from '../../../src/vision/graph/prepare.ts';
import { type ModelPack, openModelPack } from '../../../src/vision/model-pack.ts';
import { Recognizer } from '../../../src/vision/recognizer.ts';
import { cosine } from '../../../testing/faces.ts';
import { photograph } from '../../../testing/photographs.ts';
import { modelBytes, weights } from '../../../testing/small-model.ts';
import { workplace } from './workplace.ts';

const SIDE = 48;
const WIDTH = 32;
const BENDS = 4;

describe('the preparation of a model pack', () => {
  const place = workplace(2);
  const { lines, log } = place;
  let pack: ModelPack;
  let preparation: Preparation;

  before(async () => {
    pack = await openModelPack('faceplugin');
  });
  beforeEach(() => {
    preparation = { folder: place.emptyFolder(), log };
  });

  const prepare = (of = pack) => prepareNetworks(of, place.executor, preparation);
  const files = () => readdirSync(preparation.folder).sort();
  const verdictFile = (file: string) => file.replace(/onnx$/, 'json');

  function withEmbedder(bytes: Uint8Array): ModelPack {
    const file = join(place.folder, 'embedder.onnx');
    writeFileSync(file, bytes);
    const { liveness: _liveness, pose: _pose, ...pipeline } = pack.pipeline;
    const input = { ...pipeline.embedder.input, width: SIDE, height: SIDE };
    return {
      ...pack,
      pipeline: { ...pipeline, embedder: { ...pipeline.embedder, file, input } },
      hashes: new Map([...pack.hashes, [file, createHash('sha256').update(bytes).digest('hex')]]),
    };
  }

  function smallEmbedder(convolution = weights(3 * WIDTH), side = SIDE): ModelPack {
    const slopes = tensorMessage('s', [WIDTH, 1, 1], weights(WIDTH));
    const bends = Array.from({ length: BENDS }, (_, i) => [
      nodeMessage(`prelu${i}`, 'PRelu', [`c${i}`, 's'], `p${i}`),
      nodeMessage(`conv${i}`, 'Conv', [`p${i}`, 'v'], i === BENDS - 1 ? 'y' : `c${i + 1}`),
    ]).flat();
    return withEmbedder(
      modelBytes({
        nodes: [nodeMessage('conv', 'Conv', ['x', 'w'], 'c0'), ...bends],
        initializers: [
          tensorMessage('w', [WIDTH, 3, 1, 1], convolution),
          tensorMessage('v', [WIDTH, WIDTH, 1, 1], weights(WIDTH * WIDTH)),
          slopes,
        ],
        input: [1, 3, side, side],
        output: [1, WIDTH, side, side],
      }),
    );
  }

  test('replaces the embedder by a file named for the original, and keeps a verdict of every network', async () => {
    const prepared = await prepare();
    const { embedder } = pack.pipeline;
    const file = join(preparation.folder, `${pack.hashes.get(embedder.file)}-5.onnx`);
    assert.deepEqual(prepared.embedder, { ...embedder, file });
    assert.deepEqual(Object.keys(prepared), Object.keys(pack.pipeline));
    const networks = new Set(
      Object.values(pack.pipeline)
        .flatMap((stages) => [stages].flat())
        .map(({ file }) => file),
    );
    const verdicts = Array.from(networks, (file) => `${pack.hashes.get(file)}-5.json`);
    assert.deepEqual(
      files().filter((name) => name.endsWith('.json')),
      verdicts.sort(),
    );
    assert.deepEqual(
      files().filter((name) => !/\.(json|onnx)$/.test(name)),
      [],
    );
    assert.deepEqual(lines, []);
  });

  test('has nothing to say of the other pack that is shipped', async () => {
    const yunet = await openModelPack('yunet');
    await prepare(yunet);
    assert.deepEqual(lines, []);
    const hash = yunet.hashes.get(yunet.pipeline.detector.file);
    const { attempts } = JSON.parse(readFileSync(join(preparation.folder, `${hash}-5.json`), 'utf8'));
    assert.equal(attempts.fused.isSame, true, 'its detector too was fused and compared');
  });

  test('compares a network that takes any size in the size that its stage gives it', async () => {
    const { embedder } = await prepare(smallEmbedder(undefined, -1));
    assert.equal(dirname(embedder.file), preparation.folder);
    assert.deepEqual(lines, []);
  });

  test('gives the faces and templates of the originals', async () => {
    const picture = photograph(1);
    const [plain, prepared] = await Promise.all([
      Recognizer.load(pack, place.executor),
      Recognizer.load(pack, place.executor, preparation),
    ]);
    const [original, changed] = await Promise.all(
      [plain, prepared].map((each) => each.analyze(picture, 'binary')),
    );
    assert.ok(cosine(original?.template ?? null, changed?.template ?? null) > 1 - 1e-5);
    assert.notDeepEqual(original?.template, changed?.template, 'the prepared network was used');
    assert.ok(original && original.faces.length > 1);
    assert.equal(changed?.faces.length, original.faces.length);
    for (const [i, { box, confidence }] of original.faces.entries()) {
      const face = changed?.faces[i];
      assert.ok(face && Math.abs(face.confidence - confidence) < 1e-3);
      for (const side of ['x', 'y', 'width', 'height'] as const) {
        assert.ok(Math.abs(face.box[side] - box[side]) < 1e-3 * box.width, `${side} of face ${i}`);
      }
    }
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
    const isWhole = () => {
      const { sha256 } = JSON.parse(readFileSync(verdictFile(embedder.file), 'utf8'));
      return sha256 === createHash('sha256').update(readFileSync(embedder.file)).digest('hex');
    };
    assert.ok(isWhole());
    for (const damage of [
      () => appendFileSync(embedder.file, 'x'),
      () => rmSync(embedder.file),
      () => rmSync(verdictFile(embedder.file)),
      () => writeFileSync(verdictFile(embedder.file), '{"runtime":'),
    ]) {
      damage();
      assert.equal((await prepare(smallEmbedder())).embedder.file, embedder.file);
      assert.ok(isWhole());
    }
    assert.deepEqual(lines, []);
  });

  test('is done again with another version of the runtime or on another processor', async () => {
    const { embedder } = await prepare(smallEmbedder());
    const file = verdictFile(embedder.file);
    const verdict = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...verdict, on: 'ONNX Runtime 0.0.1, another one', rewrite: null }));
    assert.equal((await prepare(smallEmbedder())).embedder.file, embedder.file);
    const { on, rewrite } = JSON.parse(readFileSync(file, 'utf8'));
    assert.equal(on, verdict.on);
    assert.notEqual(rewrite, null);
  });

  const warnings = () => lines.map(({ level, network, rewrite }) => ({ level, network, rewrite }));
  const bothWays = ['fused', 'prelu'].map((rewrite) => ({ level: 40, network: 'embedder.onnx', rewrite }));

  test('keeps the original where the outputs cannot be shown to be the same, and says so at each start', async () => {
    const zero = smallEmbedder(new Float32Array(3 * WIDTH));
    for (let start = 0; start < 2; start++) {
      assert.equal((await prepare(zero)).embedder.file, zero.pipeline.embedder.file);
    }
    assert.deepEqual(warnings(), [...bothWays, ...bothWays]);
    const hash = zero.hashes.get(zero.pipeline.embedder.file) ?? '';
    assert.deepEqual(
      files().filter((name) => name.includes(hash) || name.includes('unchecked')),
      [`${hash}-5.json`],
    );
  });

  test('does not try a network again that could not be prepared', async () => {
    const broken = withEmbedder(Buffer.from('not a network'));
    assert.equal((await prepare(broken)).embedder.file, broken.pipeline.embedder.file);
    const file = join(preparation.folder, `${broken.hashes.get(broken.pipeline.embedder.file)}-5.json`);
    const { mtimeNs } = statSync(file, { bigint: true });
    assert.equal((await prepare(broken)).embedder.file, broken.pipeline.embedder.file);
    assert.equal(statSync(file, { bigint: true }).mtimeNs, mtimeNs);
    assert.deepEqual(warnings(), [...bothWays, ...bothWays]);
  });

  test('remembers that a network and its rewrite do not run', async () => {
    const unfit = withEmbedder(
      modelBytes({
        nodes: [nodeMessage('conv', 'Conv', ['x', 'w'], 'c'), nodeMessage('relu', 'Relu', ['c'], 'y')],
        initializers: [tensorMessage('w', [WIDTH, 5, 1, 1], weights(5 * WIDTH))],
        input: [1, 3, SIDE, SIDE],
        output: [1, WIDTH, SIDE, SIDE],
      }),
    );
    for (let start = 0; start < 2; start++) {
      assert.equal((await prepare(unfit)).embedder.file, unfit.pipeline.embedder.file);
    }
    assert.deepEqual(warnings(), [bothWays[0], bothWays[0]]);
    assert.match(String(lines[0]?.problem), /kernel channels/);
  });

  test('keeps the original of a file that is not the one of the manifest', async () => {
    const altered = smallEmbedder();
    writeFileSync(altered.pipeline.embedder.file, 'altered');
    assert.equal((await prepare(altered)).embedder.file, altered.pipeline.embedder.file);
    assert.match(JSON.stringify(lines), /does not match the SHA-256 in the manifest/);
  });

  test('leaves nothing behind of networks that no pack has any more, and touches no other file', async () => {
    const { embedder } = await prepare(smallEmbedder());
    const kept = [embedder.file, verdictFile(embedder.file)].map((file) => basename(file));
    const [used = ''] = kept;
    const gone = 'ab'.repeat(32);
    for (const name of [
      `${gone}-5.onnx`,
      `${gone}-5.json`,
      used.replace('-2.', '-1.'),
      `${used}.unchecked`,
    ]) {
      writeFileSync(join(preparation.folder, name.replace('.onnx.', '.')), 'old');
    }
    writeFileSync(join(preparation.folder, 'notes.txt'), 'not ours');
    await removeUnused([smallEmbedder()], preparation);
    const others = Object.values(pack.pipeline).map(({ file }) => pack.hashes.get(file));
    const left = files().filter((name) => !others.some((hash) => hash && name.startsWith(hash)));
    assert.deepEqual(left, [...kept, 'notes.txt'].sort());
    assert.deepEqual(lines, []);
  });

  test('lets a pack run as it is where nothing can be written', async () => {
    const occupied = join(place.folder, 'occupied');
    writeFileSync(occupied, 'a file where the folder should be');
    preparation = { ...preparation, folder: occupied };
    const recognizer = await Recognizer.load(pack, place.executor, preparation);
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
      Recognizer.load(smallEmbedder(), place.executor, preparation),
      /The network embedder\.onnx does not load/,
    );
  });
});
