import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { uniforms } from '../../../src/base/random.ts';
import { compareNetworks } from '../../../src/native/networks.ts';
import { fuseSubgraph } from '../../../src/vision/graph/fused-subgraph.ts';
import { attributeMessage, nodeMessage, tensorMessage } from '../../../src/vision/graph/onnx.ts';
import { REWRITES } from '../../../src/vision/graph/prepare.ts';
import { bytesField } from '../../../src/vision/graph/wire.ts';
import { MODELS_FOLDER } from '../../../src/vision/model-pack.ts';
import { modelBytes, operators, weights } from '../../../testing/small-model.ts';
import { workplace } from './workplace.ts';

const HEIGHT = 9;
const WIDTH = 11;
const INPUT = [1, 3, HEIGHT, WIDTH] as const;

const conv = (
  name: string,
  input: string,
  output: string,
  attributes: Record<string, number | number[]> = {},
) =>
  nodeMessage(
    name,
    'Conv',
    [input, `${name}_w`],
    output,
    Object.entries(attributes).map(([key, value]) => attributeMessage(key, value)),
  );
const kernel = (name: string, dims: readonly number[]) =>
  tensorMessage(`${name}_w`, dims, weights(dims.reduce((size, dim) => size * dim, 1)));

describe('the fused subgraph of a network', () => {
  const place = workplace(1);

  async function assertSame(original: Uint8Array, changed: Uint8Array): Promise<void> {
    const inputs = Float32Array.from({ length: 2 * 3 * HEIGHT * WIDTH }, (_, i) => Math.sin(i * 0.7));
    const { cosine, difference } = await place.compare(original, changed, inputs);
    assert.ok(cosine > 1 - 1e-5, `cosine ${cosine}`);
    assert.ok(difference < 5e-3, `difference ${difference}`);
  }

  const windows: [string, Record<string, number[]>, [number, number], [number, number]][] = [
    ['3 x 3 with padding', { pads: [1, 1, 1, 1] }, [3, 3], [HEIGHT, WIDTH]],
    ['3 x 3 without padding', {}, [3, 3], [HEIGHT - 2, WIDTH - 2]],
    ['3 x 3, every second place', { pads: [1, 1, 1, 1], strides: [2, 2] }, [3, 3], [5, 6]],
    ['3 x 3, padded on one side', { pads: [0, 0, 1, 1], strides: [2, 2] }, [3, 3], [4, 5]],
    ['3 x 3 with gaps', { pads: [2, 2, 2, 2], dilations: [2, 2] }, [3, 3], [HEIGHT, WIDTH]],
    ['5 x 3', { pads: [2, 1, 2, 1] }, [5, 3], [HEIGHT, WIDTH]],
    ['as large as the input', {}, [HEIGHT, WIDTH], [1, 1]],
    ['1 x 1, every second place', { strides: [2, 2] }, [1, 1], [5, 6]],
  ];
  for (const [title, attributes, size, output] of windows) {
    test(`gives what convolutions give: ${title}`, async () => {
      const dense = modelBytes({
        nodes: [conv('a', 'x', 'a', attributes), conv('b', 'a', 'y')],
        initializers: [kernel('a', [20, 3, ...size]), kernel('b', [7, 20, 1, 1])],
        input: INPUT,
        output: [1, 7, ...output],
      });
      await assertSame(dense, fuseSubgraph(dense));
      // The fused subgraph's own maps have another layout than an image.
      const second = modelBytes({
        nodes: [conv('a', 'x', 'a'), conv('b', 'a', 'y', attributes)],
        initializers: [kernel('a', [20, 3, 1, 1]), kernel('b', [7, 20, ...size])],
        input: INPUT,
        output: [1, 7, ...output],
      });
      await assertSame(second, fuseSubgraph(second));
      const depthwise = modelBytes({
        nodes: [conv('a', 'x', 'a'), conv('b', 'a', 'y', { ...attributes, group: 20 })],
        initializers: [kernel('a', [20, 3, 1, 1]), kernel('b', [20, 1, ...size])],
        input: INPUT,
        output: [1, 20, ...output],
      });
      await assertSame(depthwise, fuseSubgraph(depthwise));
      assert.deepEqual(operators(fuseSubgraph(dense)), ['Segment']);
      assert.deepEqual(operators(fuseSubgraph(second)), ['Segment']);
      assert.deepEqual(operators(fuseSubgraph(depthwise)), ['Segment']);
    });
  }

  test('takes in normalisations, bends and sums, wherever they stand', async () => {
    const each = (name: string, values: Float32Array) => tensorMessage(name, [values.length], values);
    const norm = (name: string, input: string, output: string) =>
      nodeMessage(name, 'BatchNormalization', [input, 'scale', 'shift', 'mean', 'variance'], output);
    const model = modelBytes({
      nodes: [
        conv('a', 'x', 'a', { pads: [1, 1, 1, 1] }),
        norm('n', 'a', 'an'),
        nodeMessage('p', 'PRelu', ['an', 'slope'], 'ap'),
        nodeMessage('r', 'Relu', ['ap'], 'ar'),
        conv('b', 'ap', 'b'),
        nodeMessage('s', 'Add', ['b', 'ar'], 'sum'),
        norm('m', 'sum', 'sn'),
        nodeMessage('t', 'Add', ['sn', 'ap'], 'second'),
        nodeMessage('q', 'PRelu', ['second', 'one'], 'y'),
      ],
      initializers: [
        kernel('a', [5, 3, 3, 3]),
        kernel('b', [5, 5, 1, 1]),
        each('scale', Float32Array.of(1, -2, 0.5, 3, 0.1)),
        each('shift', Float32Array.of(0, 1, -1, 0.5, 2)),
        each('mean', Float32Array.of(0.1, 0.2, -0.3, 0, 1)),
        each('variance', Float32Array.of(1, 2, 0.5, 0.1, 4)),
        tensorMessage('slope', [5, 1, 1], Float32Array.of(-1.35, 0, 0.25, 1, 1.23)),
        tensorMessage('one', [1], Float32Array.of(0.3)),
      ],
      input: INPUT,
      output: [1, 5, HEIGHT, WIDTH],
    });
    const joined = fuseSubgraph(model);
    assert.deepEqual(operators(joined), ['Segment']);
    await assertSame(model, joined);
  });

  const pool = (input: string, output: string, attributes: Record<string, number | number[]> = {}) =>
    nodeMessage(
      output,
      'MaxPool',
      [input],
      output,
      Object.entries({ kernel_shape: [2, 2], strides: [2, 2], ...attributes }).map(([key, value]) =>
        attributeMessage(key, value),
      ),
    );
  const REPEATED = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  const resize = (input: string, output: string, attributes: Record<string, string> = REPEATED) =>
    nodeMessage(
      output,
      'Resize',
      [input, '', 'scales'],
      output,
      Object.entries(attributes).map(([key, value]) =>
        Buffer.concat([bytesField(1, key), bytesField(4, value), Buffer.from([0xa0, 1, 3])]),
      ),
    );
  const scales = (...factors: number[]) => tensorMessage('scales', [4], Float32Array.from(factors));

  test('takes in maxima of 2 x 2 pixels and doubled pixels, of odd sizes too', async () => {
    const model = modelBytes({
      nodes: [
        conv('a', 'x', 'a'),
        pool('a', 'p'),
        nodeMessage('r', 'Relu', ['p'], 'r'),
        conv('b', 'r', 'b', { pads: [1, 1, 1, 1], group: 20 }),
        pool('b', 'q', { pads: [0, 0, 0, 0], dilations: [1, 1], ceil_mode: 0 }),
        resize('q', 'd'),
        nodeMessage('n', 'Mul', ['d', 'factor'], 'n'),
        conv('c', 'b', 'c', { pads: [0, 0, 0, 0], strides: [1, 1] }),
        conv('e', 'c', 'e'),
        nodeMessage('s', 'Add', ['n', 'e'], 's'),
        resize('s', 'y'),
      ],
      initializers: [
        kernel('a', [20, 3, 1, 1]),
        kernel('b', [20, 1, 3, 3]),
        kernel('c', [20, 20, 1, 2]),
        kernel('e', [20, 20, 1, 1]),
        tensorMessage('factor', [], Float32Array.of(-0.5)),
        scales(1, 1, 2, 2),
      ],
      input: INPUT,
      output: [1, 20, 8, 8],
    });
    assert.deepEqual(operators(fuseSubgraph(model)), ['Segment']);
    await assertSame(model, fuseSubgraph(model));
  });

  const pools: [string, Record<string, number | number[]>, [number, number]][] = [
    ['rounded up', { ceil_mode: 1 }, [5, 6]],
    ['padded', { pads: [0, 0, 1, 1] }, [5, 6]],
    ['of 3 x 3 pixels', { kernel_shape: [3, 3] }, [4, 5]],
    ['that overlap', { strides: [1, 1] }, [8, 10]],
    ['with gaps', { dilations: [2, 2] }, [4, 5]],
  ];
  for (const [title, attributes, size] of pools) {
    test(`leaves maxima ${title} to ONNX Runtime`, async () => {
      const model = modelBytes({
        nodes: [conv('a', 'x', 'a'), pool('a', 'y', attributes)],
        initializers: [kernel('a', [20, 3, 1, 1])],
        input: INPUT,
        output: [1, 20, ...size],
      });
      assert.deepEqual(operators(fuseSubgraph(model)), ['Segment', 'MaxPool']);
      await assertSame(model, fuseSubgraph(model));
    });
  }

  const resizes: [string, Record<string, string>, [number, number]][] = [
    ['between pixels', { ...REPEATED, mode: 'linear' }, [2, 2]],
    ['from the middle of pixels', { mode: 'nearest', nearest_mode: 'floor' }, [2, 2]],
    ['rounded up', { ...REPEATED, nearest_mode: 'ceil' }, [2, 2]],
    ['by 3', REPEATED, [3, 3]],
    ['in one direction', REPEATED, [1, 2]],
  ];
  for (const [title, attributes, [down, across]] of resizes) {
    test(`leaves a change of size ${title} to ONNX Runtime`, async () => {
      const model = modelBytes({
        nodes: [conv('a', 'x', 'a'), resize('a', 'y', attributes)],
        initializers: [kernel('a', [20, 3, 1, 1]), scales(1, 1, down, across)],
        input: INPUT,
        output: [1, 20, down * HEIGHT, across * WIDTH],
      });
      assert.deepEqual(operators(fuseSubgraph(model)), ['Segment', 'Resize']);
      await assertSame(model, fuseSubgraph(model));
    });
  }

  test('runs all of the default detector, of odd sizes too', async () => {
    const file = join(MODELS_FOLDER, 'yunet/yunet_n.onnx');
    const fused = REWRITES.fused.rewrite(readFileSync(file));
    assert.deepEqual(operators(fused), ['Segment', 'Columns']);
    const changed = join(place.folder, 'changed.onnx');
    writeFileSync(changed, fused);
    const random = uniforms(7);
    for (const [height, width] of [
      [96, 160],
      [65, 97],
    ] as const) {
      const inputs = Float32Array.from({ length: 3 * height * width }, () => 256 * random());
      const { cosine, difference } = await compareNetworks(place.executor, file, changed, inputs, {
        shape: [1, 3, height, width],
      });
      assert.ok(cosine > 1 - 1e-5, `cosine ${cosine}`);
      assert.ok(difference < 5e-3, `difference ${difference}`);
    }
  });

  test('takes in joined channels, and what they are multiplied with', async () => {
    const model = modelBytes({
      nodes: [
        conv('a', 'x', 'a', { pads: [1, 1, 1, 1] }),
        conv('b', 'a', 'b'),
        nodeMessage('j', 'Concat', ['a', 'b'], 'ab', [attributeMessage('axis', 1)]),
        nodeMessage('k', 'Concat', ['ab', 'a'], 'aba', [attributeMessage('axis', 1)]),
        conv('c', 'aba', 'c', { pads: [1, 1, 1, 1] }),
        nodeMessage('r', 'Relu', ['c'], 'r'),
        nodeMessage('m', 'Mul', ['r', 'factor'], 'm'),
        nodeMessage('one', 'Mul', ['m', 'unit'], 'o'),
        nodeMessage('s', 'Add', ['o', 'r'], 's'),
        conv('d', 's', 'd'),
        nodeMessage('n', 'Mul', ['factor', 'd'], 'y'),
      ],
      initializers: [
        kernel('a', [5, 3, 3, 3]),
        kernel('b', [18, 5, 1, 1]),
        kernel('c', [4, 28, 3, 3]),
        kernel('d', [4, 4, 1, 1]),
        tensorMessage('factor', [1, 4, 1, 1], Float32Array.of(0.5, -2, 1, 3)),
        tensorMessage('unit', [], Float32Array.of(1)),
      ],
      input: INPUT,
      output: [1, 4, HEIGHT, WIDTH],
    });
    assert.deepEqual(operators(fuseSubgraph(model)), ['Segment']);
    await assertSame(model, fuseSubgraph(model));
  });

  test('leaves channels to be joined that somebody else reads too', async () => {
    const model = modelBytes({
      nodes: [
        conv('a', 'x', 'a'),
        conv('b', 'a', 'b'),
        nodeMessage('j', 'Concat', ['a', 'b'], 'ab', [attributeMessage('axis', 1)]),
        nodeMessage('k', 'Concat', ['ab', 'a'], 'aba', [attributeMessage('axis', 1)]),
        nodeMessage('h', 'Sigmoid', ['aba'], 'h'),
        conv('c', 'ab', 'c'),
        nodeMessage('m', 'Add', ['h', 'c'], 'y'),
      ],
      initializers: [kernel('a', [2, 3, 1, 1]), kernel('b', [3, 2, 1, 1]), kernel('c', [7, 5, 1, 1])],
      input: INPUT,
      output: [1, 7, HEIGHT, WIDTH],
    });
    const joined = fuseSubgraph(model);
    assert.deepEqual(operators(joined), ['Segment', 'Concat', 'Concat', 'Sigmoid', 'Add']);
    await assertSame(model, joined);
  });

  test('leaves a value as it is of which somebody else reads a multiple, and a multiple of once it', async () => {
    const model = modelBytes({
      nodes: [
        conv('a', 'x', 'a'),
        nodeMessage('m', 'Mul', ['a', 'unit'], 'm'),
        nodeMessage('n', 'Mul', ['m', 'factor'], 'n'),
        nodeMessage('s', 'Add', ['n', 'a'], 'y'),
      ],
      initializers: [
        kernel('a', [6, 3, 1, 1]),
        tensorMessage('unit', [], Float32Array.of(1)),
        tensorMessage('factor', [], Float32Array.of(2)),
      ],
      input: INPUT,
      output: [1, 6, HEIGHT, WIDTH],
    });
    assert.deepEqual(operators(fuseSubgraph(model)), ['Segment']);
    await assertSame(model, fuseSubgraph(model));
  });

  test('adds two convolutions of the input', async () => {
    const model = modelBytes({
      nodes: [conv('a', 'x', 'a'), conv('b', 'x', 'b'), nodeMessage('s', 'Add', ['a', 'b'], 'y')],
      initializers: [kernel('a', [6, 3, 1, 1]), kernel('b', [6, 3, 1, 1])],
      input: INPUT,
      output: [1, 6, HEIGHT, WIDTH],
    });
    assert.deepEqual(operators(fuseSubgraph(model)), ['Segment']);
    await assertSame(model, fuseSubgraph(model));
  });

  test('ends before what it does not know, and gives that whatever it reads', async () => {
    const model = modelBytes({
      nodes: [
        conv('a', 'x', 'a'),
        conv('b', 'a', 'b'),
        nodeMessage('h', 'Sigmoid', ['a'], 'h'),
        nodeMessage('m', 'Mul', ['h', 'b'], 'y'),
      ],
      initializers: [kernel('a', [6, 3, 1, 1]), kernel('b', [6, 6, 1, 1])],
      input: INPUT,
      output: [1, 6, HEIGHT, WIDTH],
    });
    const joined = fuseSubgraph(model);
    assert.deepEqual(operators(joined), ['Segment', 'Sigmoid', 'Mul']);
    await assertSame(model, joined);
  });

  test('leaves a network alone that does not begin with convolutions', () => {
    const model = modelBytes({
      nodes: [nodeMessage('h', 'Sigmoid', ['x'], 'h'), conv('a', 'h', 'y')],
      initializers: [kernel('a', [6, 3, 1, 1])],
      input: INPUT,
      output: [1, 6, HEIGHT, WIDTH],
    });
    assert.equal(fuseSubgraph(model), model);
  });

  test('joins all of the embedder but the last change of shape', () => {
    const joined = fuseSubgraph(readFileSync(join(MODELS_FOLDER, 'faceplugin/fr_feature.onnx')));
    assert.deepEqual(operators(joined), ['Segment', 'Reshape']);
  });

  test('refuses steps that do not fit together, which a file from elsewhere may hold', async () => {
    const good = modelBytes({
      nodes: [conv('a', 'x', 'y')],
      initializers: [kernel('a', [16, 3, 1, 1])],
      input: INPUT,
      output: [1, 16, HEIGHT, WIDTH],
    });
    const file = join(place.folder, 'original.onnx');
    writeFileSync(file, good);
    const window = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0];
    const halving = [2, 2, 2, 2, 1, 1, 0, 0, 0, 0];
    const step = [0, 0, 0, 1, 3, 16, ...window];
    const pooled = [3, 1, 0, 2, 16, 16];
    const count = 16 * 3 + 2 * 16;
    const spoilt: [RegExp, number[], number[], number][] = [
      [/cut off/, step.slice(1), [1], count],
      [/weights are missing/, step, [1], count - 1],
      [/weights are left over/, step, [1], count + 1],
      [/an output is not made/, step, [2], count],
      [/something else than a dense/, [7, ...step.slice(1)], [1], count],
      [/added to a convolution of the input/, [...step, 0, 0, 1, 2, 3, 16, ...window], [2], 2 * count],
      [/not there yet/, [0, 1, ...step.slice(2)], [1], count],
      [/out of range/, [...step.slice(0, 4), 2 ** 40, ...step.slice(5)], [1], count],
      [/out of range/, [...step.slice(0, 6), 0, ...step.slice(7)], [1], count],
      [/pool is not of 2 x 2/, [...step, ...pooled, ...window], [2], count],
      [/pool is not of 2 x 2/, [...step, 3, 1, 1, ...pooled.slice(3), ...halving], [2], count],
      [/pool is not of 2 x 2/, [...step, ...pooled.slice(0, 5), 8, ...halving], [2], count],
      [/doubling has a window/, [...step, 4, ...pooled.slice(1), ...halving], [2], count],
      [/doubling has a window/, [...step, 4, ...pooled.slice(1, 5), 32, ...window], [2], count],
      [/something else than a dense/, [3, ...step.slice(1)], [1], count],
      [/window is larger/, [...step.slice(0, 6), 10, 1, 2, ...step.slice(9)], [1], 16 * 3 * 10 + 2 * 16],
      [/another shape/, [...step.slice(0, 4), 4, ...step.slice(5)], [1], 16 * 4 + 2 * 16],
    ];
    for (const [problem, steps, outputs, floats] of spoilt) {
      const attributes = [
        attributeMessage('steps', steps),
        attributeMessage('outputs', outputs),
        attributeMessage('weights', weights(floats)),
      ];
      const bad = join(place.folder, 'bad.onnx');
      const model = modelBytes({
        nodes: [nodeMessage('s', 'Segment', ['x'], 'y', attributes, 'visage')],
        initializers: [],
        input: INPUT,
        output: [1, 16, HEIGHT, WIDTH],
      });
      const domain = Buffer.concat([bytesField(1, 'visage'), Buffer.from([0x10, 1])]);
      writeFileSync(bad, Buffer.concat([model, bytesField(8, domain)]));
      await assert.rejects(
        compareNetworks(place.executor, file, bad, new Float32Array(3 * HEIGHT * WIDTH).fill(1)),
        problem,
      );
    }
  });
});
