import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  attributeMessage,
  type Node,
  nodeMessage,
  readNode,
  readTensor,
  tensorMessage,
} from '../../../src/vision/graph/onnx.ts';
import { splitPRelus } from '../../../src/vision/graph/prelu.ts';
import { bytesField, readFields, varintField } from '../../../src/vision/graph/wire.ts';
import { openModelPack } from '../../../src/vision/model-pack.ts';
import { CHANNELS, convAndPRelu, modelBytes, weights } from '../../../testing/small-model.ts';
import { workplace } from './workplace.ts';

const SLOPES = Float32Array.of(-1.35, 0, 0.25, 1.23);
const slope = (dims: readonly number[], values: Float32Array) => tensorMessage('s', dims, values);
const PER_CHANNEL = slope([CHANNELS, 1, 1], SLOPES);

interface Graph {
  readonly nodes: readonly Node[];
  readonly tensorNames: readonly string[];
}

function graphOf(model: Uint8Array): Graph {
  const graph = readFields(model).find(({ number }) => number === 7);
  const fields = readFields(graph?.content ?? new Uint8Array());
  const contents = (wanted: number) => fields.filter(({ number }) => number === wanted).map((f) => f.content);
  return {
    nodes: contents(1).map(readNode),
    tensorNames: contents(5).map((tensor) => readTensor(tensor).name),
  };
}

function assertInOrder({ nodes, tensorNames }: Graph, input: string): void {
  const known = new Set([input, ...tensorNames]);
  assert.equal(known.size, tensorNames.length + 1, 'no name twice');
  for (const { opType, inputs, outputs } of nodes) {
    for (const name of inputs) assert.ok(name === '' || known.has(name), `${opType} reads ${name} too early`);
    for (const name of outputs) {
      assert.ok(!known.has(name), `${name} is made twice`);
      known.add(name);
    }
  }
}

describe('the rewrite of PRelu', () => {
  const place = workplace(1);

  async function assertSameFunction(original: Uint8Array, changed: Uint8Array): Promise<void> {
    const { cosine, difference } = await place.compare(original, changed, weights(3 * 75));
    assert.ok(cosine > 1 - 1e-9 && difference < 1e-5, `cosine ${cosine}, difference ${difference}`);
  }

  test('takes each PRelu of the default embedder away, in order and with names of their own', async () => {
    const { pipeline } = await openModelPack('faceplugin');
    const original = readFileSync(pipeline.embedder.file);
    const { model, replaced } = splitPRelus(original);
    const graph = graphOf(model);
    assert.equal(replaced, 33);
    assert.equal(graph.nodes.filter(({ opType }) => opType === 'PRelu').length, 0);
    assert.equal(graph.nodes.length, graphOf(original).nodes.length + 3 * 33);
    assertInOrder(graph, 'input');
  });

  test('gives back the very bytes of a graph without PRelu', async () => {
    const { pipeline } = await openModelPack('faceplugin');
    for (const { file } of [pipeline.detector, pipeline.landmarks]) {
      const original = readFileSync(file);
      assert.deepEqual(splitPRelus(original), { model: original, replaced: 0 });
    }
  });

  const constant = (values: Float32Array, dims: readonly number[]) => {
    const value = Buffer.concat([
      bytesField(1, 'value'),
      bytesField(5, tensorMessage('', dims, values)),
      varintField(20, 4),
    ]);
    return nodeMessage('constant', 'Constant', [], 's', [value]);
  };
  const norm = nodeMessage('norm', 'BatchNormalization', ['c', 'n', 'n', 'n', 'v'], 'n_out');
  const understood: [what: string, model: Uint8Array][] = [
    ['C x 1 x 1 slopes', modelBytes(convAndPRelu(PER_CHANNEL))],
    ['no slope above 1', modelBytes(convAndPRelu(slope([CHANNELS, 1, 1], Float32Array.of(-2, 0, 0.5, 1))))],
    ['1 x C x 1 x 1 slopes', modelBytes(convAndPRelu(slope([1, CHANNELS, 1, 1], SLOPES)))],
    ['one slope for all', modelBytes(convAndPRelu(slope([1], SLOPES.subarray(0, 1))))],
    ['one slope without dimensions', modelBytes(convAndPRelu(slope([], SLOPES.subarray(0, 1))))],
    [
      'slopes of a node Constant',
      modelBytes(convAndPRelu(undefined, { slopeNodes: [constant(SLOPES, [CHANNELS, 1, 1])] })),
    ],
    [
      'a sum of convolutions before it',
      modelBytes(
        convAndPRelu(PER_CHANNEL, {
          between: [nodeMessage('a', 'Add', ['c', 'c'], 'sum')],
          preluInput: 'sum',
        }),
      ),
    ],
    [
      'another PRelu before it',
      modelBytes(
        convAndPRelu(PER_CHANNEL, {
          between: [nodeMessage('a', 'PRelu', ['c', 's'], 'sum')],
          preluInput: 'sum',
        }),
      ),
    ],
    [
      'names like those that it makes',
      modelBytes(
        convAndPRelu(PER_CHANNEL, {
          between: [nodeMessage('a', 'Relu', ['c'], 'split_prelu_0_relu')],
          preluInput: 'split_prelu_0_relu',
        }),
      ),
    ],
  ];
  for (const [what, original] of understood) {
    test(`keeps the function of a network with ${what}`, async () => {
      const { model, replaced } = splitPRelus(original);
      assert.ok(replaced > 0);
      assert.equal(graphOf(model).nodes.filter(({ opType }) => opType === 'PRelu').length, 0);
      assertInOrder(graphOf(model), 'x');
      await assertSameFunction(original, model);
    });
  }

  test('knows the channels behind a batch normalisation', () => {
    const model = convAndPRelu(PER_CHANNEL, { between: [norm], preluInput: 'n_out' });
    assert.equal(splitPRelus(modelBytes(model)).replaced, 1);
  });

  const left: [what: string, model: Uint8Array][] = [
    ['a slope a column', modelBytes(convAndPRelu(slope([5], weights(5))))],
    ['C slopes that stand for columns', modelBytes(convAndPRelu(slope([CHANNELS], SLOPES)))],
    ['more slopes than channels', modelBytes(convAndPRelu(slope([8, 1, 1], weights(8))))],
    ['a slope a pixel', modelBytes(convAndPRelu(slope([CHANNELS, 5, 5], weights(25 * CHANNELS))))],
    ['a slope that is no number', modelBytes(convAndPRelu(slope([1], Float32Array.of(Number.NaN))))],
    [
      'computed slopes',
      modelBytes(
        convAndPRelu(tensorMessage('t', [CHANNELS, 1, 1], SLOPES), {
          slopeNodes: [nodeMessage('abs', 'Abs', ['t'], 's')],
        }),
      ),
    ],
    [
      'activations of unknown shape',
      modelBytes(
        convAndPRelu(PER_CHANNEL, { between: [nodeMessage('a', 'Abs', ['c'], 'a')], preluInput: 'a' }),
      ),
    ],
    [
      'one slope for activations of unknown shape',
      modelBytes(
        convAndPRelu(slope([1], SLOPES.subarray(0, 1)), {
          between: [nodeMessage('a', 'Abs', ['c'], 'a')],
          preluInput: 'a',
        }),
      ),
    ],
  ];
  for (const [what, original] of left) {
    test(`leaves a PRelu with ${what} as it is`, () => {
      const { model, replaced } = splitPRelus(original);
      assert.equal(replaced, 0);
      assert.equal(model, original);
    });
  }

  test("leaves another domain's operator of the same name as it is", () => {
    const model = convAndPRelu(PER_CHANNEL);
    const [conv, prelu] = model.nodes as [Uint8Array, Uint8Array];
    const foreign = Buffer.concat([prelu, bytesField(7, 'com.example')]);
    assert.equal(splitPRelus(modelBytes({ ...model, nodes: [conv, foreign] })).replaced, 0);
  });

  test('keeps the fields that it does not know', () => {
    const unknown = Buffer.concat([bytesField(14, 'metadata'), varintField(5, 77), bytesField(5000, 'new')]);
    const { model, replaced } = splitPRelus(Buffer.concat([modelBytes(convAndPRelu(PER_CHANNEL)), unknown]));
    assert.equal(replaced, 1);
    assert.deepEqual(Buffer.from(model).subarray(-unknown.length), unknown);
  });

  test('keeps the function for any slopes', async () => {
    const values = fc.float32Array({
      minLength: CHANNELS,
      maxLength: CHANNELS,
      min: -8,
      max: 8,
      noNaN: true,
    });
    await fc.assert(
      fc.asyncProperty(values, async (slopes) => {
        const original = modelBytes(convAndPRelu(slope([CHANNELS, 1, 1], slopes)));
        await assertSameFunction(original, splitPRelus(original).model);
      }),
      { numRuns: 20 },
    );
  });

  const refused: [what: string, bytes: Uint8Array, expected: RegExp][] = [
    ['no graph', varintField(1, 7), /one graph, got 0\.$/],
    ['two graphs', Buffer.concat([bytesField(7, ''), bytesField(7, '')]), /one graph, got 2\.$/],
    ['nothing of the format', Buffer.from('not a network'), /\.$/],
  ];
  for (const [what, bytes, expected] of refused) {
    test(`refuses a file with ${what}`, () => {
      assert.throws(() => splitPRelus(bytes), expected);
    });
  }

  test('refuses a small file that asks for gigabytes of slopes', () => {
    const width = 100_000;
    const nodes = Array.from({ length: 100 }, (_, i) => nodeMessage(`${i}`, 'PRelu', ['c', 's'], `p${i}`));
    const model = modelBytes({
      nodes: [nodeMessage('conv', 'Conv', ['x', 'w'], 'c'), ...nodes],
      initializers: [tensorMessage('w', [width, 1, 1, 1], weights(width)), slope([1], SLOPES.subarray(0, 1))],
      input: [1, 1, 1, 1],
      output: [1, width, 1, 1],
    });
    assert.throws(() => splitPRelus(model), /more slopes than weights/);
  });

  test('believes no number of channels that has no weights', () => {
    const model = modelBytes({
      ...convAndPRelu(undefined),
      initializers: [
        tensorMessage('w', [2 ** 31, 0, 1, 1], new Float32Array()),
        slope([1], SLOPES.subarray(0, 1)),
      ],
    });
    assert.equal(splitPRelus(model).replaced, 0);
  });

  test('of damaged files is either a sentence or a message again', () => {
    const original = Buffer.from(
      modelBytes(
        convAndPRelu(PER_CHANNEL, {
          slopeNodes: [nodeMessage('k', 'Constant', [], 'k', [attributeMessage('value', 3)])],
        }),
      ),
    );
    const damage = fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(damage, fc.nat(original.length), (changes, length) => {
        const damaged = Buffer.from(original.subarray(0, Math.max(length, original.length >> 1)));
        for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
        let model: Uint8Array;
        try {
          ({ model } = splitPRelus(damaged));
        } catch (error) {
          assert.match((error as Error).message, /^[A-Z].*\.$/);
          return;
        }
        graphOf(model);
      }),
      { numRuns: 2000 },
    );
  });
});
