import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { compareNetworks } from '../../../src/native/networks.ts';
import { fuseDetectionHead } from '../../../src/vision/graph/detection-head.ts';
import { fuseSubgraph } from '../../../src/vision/graph/fused-subgraph.ts';
import { attributeMessage, nodeMessage, tensorMessage } from '../../../src/vision/graph/onnx.ts';
import { bytesField } from '../../../src/vision/graph/wire.ts';
import { MODELS_FOLDER } from '../../../src/vision/model-pack.ts';
import { modelBytes, operators, weights, wholesMessage } from '../../../testing/small-model.ts';
import { workplace } from './workplace.ts';

const HEIGHT = 8;
const WIDTH = 10;
const ROWS = 2 * HEIGHT * WIDTH + (HEIGHT * WIDTH) / 4;
const INPUT = [1, 3, HEIGHT, WIDTH] as const;

const axis = (value: number) => [attributeMessage('axis', value)];

const CONSTANTS = [
  wholesMessage('first', [], [0]),
  wholesMessage('all', [1], [-1]),
  wholesMessage('two', [1], [2]),
  wholesMessage('as_they_come', [3], [0, -1, 2]),
  wholesMessage('zero', [1], [0]),
  wholesMessage('one', [1], [1]),
  wholesMessage('axes', [1], [2]),
];

function rowsOf(name: string, isAsked: boolean): Uint8Array[] {
  const rows = nodeMessage(`${name}_t`, 'Transpose', [name], `${name}_t`, [
    attributeMessage('perm', [0, 2, 3, 1]),
  ]);
  const reshape = (shape: string) =>
    nodeMessage(`${name}_r`, 'Reshape', [`${name}_t`, shape], `${name}_rows`);
  if (!isAsked) return [rows, reshape('as_they_come')];
  return [
    rows,
    nodeMessage(`${name}_s`, 'Shape', [`${name}_t`], `${name}_shape`),
    nodeMessage(`${name}_g`, 'Gather', [`${name}_shape`, 'first'], `${name}_batch`, axis(0)),
    nodeMessage(`${name}_u`, 'Unsqueeze', [`${name}_batch`, 'zero'], `${name}_list`),
    nodeMessage(`${name}_c`, 'Concat', [`${name}_list`, 'all', 'two'], `${name}_sizes`, axis(0)),
    reshape(`${name}_sizes`),
  ];
}

const conv = (name: string, attributes: Record<string, number[]> = {}) =>
  nodeMessage(
    name,
    'Conv',
    ['x', `${name}_w`],
    name,
    Object.entries(attributes).map(([key, value]) => attributeMessage(key, value)),
  );

function detector(end: readonly Uint8Array[], columns: number, constants: readonly Uint8Array[] = []) {
  return modelBytes({
    nodes: [
      conv('a'),
      conv('b', { strides: [2, 2] }),
      ...rowsOf('a', true),
      ...rowsOf('b', false),
      nodeMessage('j', 'Concat', ['a_rows', 'b_rows'], 'r', axis(1)),
      ...end,
    ],
    initializers: [
      tensorMessage('a_w', [4, 3, 1, 1], weights(12)),
      tensorMessage(
        'b_w',
        [2, 3, 1, 1],
        weights(6).map((value) => 1.5 * value),
      ),
      ...CONSTANTS,
      ...constants,
    ],
    input: INPUT,
    output: [1, ROWS, columns],
  });
}

const table = (name: string) =>
  tensorMessage(
    name,
    [1, ROWS, 2],
    Float32Array.from({ length: 2 * ROWS }, (_, i) => 1 + Math.sin(i)),
  );
const number = (name: string, value: number) => tensorMessage(name, [], Float32Array.of(value));

describe('the columns of a detector', () => {
  const place = workplace(1);

  async function assertSame(original: Uint8Array, changed: Uint8Array): Promise<void> {
    const inputs = Float32Array.from({ length: 2 * 3 * HEIGHT * WIDTH }, (_, i) => Math.sin(i * 0.7));
    const { cosine, difference } = await place.compare(original, changed, inputs);
    assert.ok(cosine > 1 - 1e-9, `cosine ${cosine}`);
    assert.ok(difference < 1e-6, `difference ${difference}`);
  }

  const ends: [string, Uint8Array[], number, Uint8Array[]?][] = [
    ['nothing else', [nodeMessage('i', 'Concat', ['r'], 'y', axis(2))], 2],
    ['a softmax', [nodeMessage('s', 'Softmax', ['r'], 'y', axis(2))], 2],
    ['a sigmoid', [nodeMessage('s', 'Sigmoid', ['r'], 'y')], 2],
    [
      'boxes by their priors',
      [
        nodeMessage('left', 'Slice', ['r', 'zero', 'one', 'axes'], 'left'),
        nodeMessage('right', 'Slice', ['r', 'one', 'two', 'axes'], 'right'),
        nodeMessage('swap', 'Concat', ['right', 'left', 'right'], 'swapped', axis(2)),
        nodeMessage('p', 'Mul', ['r', 'priors'], 'p'),
        nodeMessage('q', 'Div', ['p', 'half'], 'q'),
        nodeMessage('e', 'Exp', ['q'], 'e'),
        nodeMessage('m', 'Sub', ['each', 'e'], 'm'),
        nodeMessage('n', 'Add', ['m', 'r'], 'n'),
        nodeMessage('all', 'Concat', ['swapped', 'n'], 'y', axis(2)),
      ],
      5,
      [table('priors'), number('half', 2), tensorMessage('each', [2], Float32Array.of(1, -3))],
    ],
    [
      'powers far from 0, and what they come to together',
      [
        nodeMessage('l', 'Mul', ['r', 'large'], 'l'),
        nodeMessage('n', 'Sub', ['null', 'l'], 'n'),
        nodeMessage('e', 'Exp', ['l'], 'e'),
        nodeMessage('f', 'Exp', ['n'], 'f'),
        nodeMessage('p', 'Mul', ['e', 'f'], 'y'),
      ],
      2,
      [number('large', 25), number('null', 0)],
    ],
  ];
  for (const [title, end, columns, constants] of ends) {
    test(`are reckoned as the runtime does: ${title}`, async () => {
      const model = detector(end, columns, constants);
      const joined = fuseDetectionHead(model);
      assert.deepEqual(operators(joined), ['Conv', 'Conv', 'Columns']);
      await assertSame(model, joined);
    });
  }

  test('follow a fused subgraph', async () => {
    const model = detector([nodeMessage('s', 'Sigmoid', ['r'], 'y')], 2);
    const joined = fuseDetectionHead(fuseSubgraph(model));
    assert.deepEqual(operators(joined), ['Segment', 'Columns']);
    const inputs = Float32Array.from({ length: 3 * HEIGHT * WIDTH }, (_, i) => Math.sin(i * 0.7));
    const { difference } = await place.compare(model, joined, inputs);
    assert.ok(difference < 1e-3, `difference ${difference}`);
  });

  const others: [string, Uint8Array[]][] = [
    ['an operator that they do not have', [nodeMessage('s', 'Tanh', ['r'], 'y')]],
    ['a softmax over the rows', [nodeMessage('s', 'Softmax', ['r'], 'y', axis(1))]],
    ['some of the rows', [nodeMessage('s', 'Slice', ['r', 'zero', 'one', 'one'], 'y')]],
  ];
  for (const [title, end] of others) {
    test(`are left to the runtime: ${title}`, () => {
      const model = detector(end, 2);
      assert.equal(fuseDetectionHead(model), model);
    });
  }

  test('have as many rows as the maps that they are of', async () => {
    const model = modelBytes({
      nodes: [
        conv('a'),
        conv('b', { strides: [2, 2] }),
        ...rowsOf('a', true),
        ...rowsOf('b', true),
        nodeMessage('s', 'Sigmoid', ['b_rows'], 'y'),
        nodeMessage('t', 'Sigmoid', ['a_rows'], 'z'),
      ],
      initializers: [
        tensorMessage('a_w', [4, 3, 1, 1], weights(12)),
        tensorMessage('b_w', [2, 3, 1, 1], weights(6)),
        ...CONSTANTS,
      ],
      input: INPUT,
      output: [1, (HEIGHT * WIDTH) / 4, 2],
      others: [['z', [1, 2 * HEIGHT * WIDTH, 2]]],
    });
    const joined = fuseDetectionHead(model);
    assert.deepEqual(operators(joined), ['Conv', 'Conv', 'Columns']);
    await assertSame(model, joined);
  });

  test('are of all of the detector but its fused subgraph', () => {
    const model = readFileSync(join(MODELS_FOLDER, 'faceplugin/fr_detect.onnx'));
    assert.deepEqual(operators(fuseDetectionHead(fuseSubgraph(model))), ['Segment', 'Columns']);
  });

  test('refuse steps that do not fit together, which a file from elsewhere may hold', async () => {
    const good = detector([nodeMessage('i', 'Concat', ['r'], 'y', axis(2))], 2);
    const file = join(place.folder, 'original.onnx');
    writeFileSync(file, good);
    const [inputs, source, outputs] = [
      [0, 2, 0, 2],
      [0, 0, 0, 0, 0, 1],
      [2, 0, 1],
    ];
    const spoilt: [RegExp, number[], number[], number[]][] = [
      [/an input is cut off/, [0, 2, 0], source, outputs],
      [/too many columns/, [0, 65, 0, 65], source, outputs],
      [/not in their order/, [1, 2, 0, 2], source, outputs],
      [/a step is cut off/, inputs, [...source, 3], outputs],
      [/no known kind/, inputs, [...source, 9, 0, 0], outputs],
      [/no such column/, inputs, [0, 0, 0, 0, 0, 2], outputs],
      [/floats are missing/, inputs, [...source, 1, 1, 0], outputs],
      [/floats are missing/, inputs, [...source, 2, 0, 2], outputs],
      [/reads what is not there/, inputs, [...source, 3, 2, 0], outputs],
      [/an output is cut off/, inputs, source, [3, 0, 1]],
      [/an output is not made/, inputs, source, [2, 0, 2]],
      [/columns have other rows/, inputs, [...source, 2, 0, 1, 3, 0, 2], outputs],
      [/columns have other rows/, [0, 2, 1, 2], [...source, 0, 1, 0, 3, 0, 2], outputs],
      [/columns have other rows/, inputs, [...source, 2, 0, 1], [2, 0, 2]],
      [/channels are no rows/, [0, 3, 0, 3], source, outputs],
      [/maps are missing/, [0, 2], source, outputs],
    ];
    for (const [problem, wanted, steps, made] of spoilt) {
      const attributes = [
        attributeMessage('inputs', wanted),
        attributeMessage('steps', steps),
        attributeMessage('floats', Float32Array.of(1)),
        attributeMessage('outputs', made),
      ];
      const bad = join(place.folder, 'bad.onnx');
      const model = modelBytes({
        nodes: [
          conv('a'),
          conv('b', { strides: [2, 2] }),
          nodeMessage('c', 'Columns', ['a', 'b'], 'y', attributes, 'visage'),
        ],
        initializers: [
          tensorMessage('a_w', [4, 3, 1, 1], weights(12)),
          tensorMessage('b_w', [2, 3, 1, 1], weights(6)),
        ],
        input: INPUT,
        output: [1, ROWS, 2],
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
