import { attributeMessage, nodeMessage, tensorMessage } from '../src/vision/graph/onnx.ts';
import { bytesField, readFields, varintField } from '../src/vision/graph/wire.ts';
import { modelBytes, weights } from '../testing/small-model.ts';

/** Convolutions of 1 x 1, one after the other. */
export interface Chain {
  readonly convolutions: number;
  readonly channels: number;
  readonly side: number;
}

export function withBatch(model: Uint8Array, batch: number): Uint8Array {
  const within = (
    message: Uint8Array,
    number: number,
    change: (content: Uint8Array, nth: number) => Uint8Array,
  ) => {
    let nth = 0;
    return Buffer.concat(
      readFields(message).map((field) =>
        field.number === number ? bytesField(number, change(field.content, nth++)) : field.bytes,
      ),
    );
  };
  const [GRAPH, INPUT, OUTPUT, TYPE, TENSOR, SHAPE, DIM] = [7, 11, 12, 2, 1, 2, 1] as const;
  const first = (value: Uint8Array) =>
    within(value, TYPE, (type) =>
      within(type, TENSOR, (tensor) =>
        within(tensor, SHAPE, (shape) =>
          within(shape, DIM, (dim, nth) => (nth === 0 ? varintField(1, batch) : dim)),
        ),
      ),
    );
  return within(model, GRAPH, (graph) => within(within(graph, INPUT, first), OUTPUT, first));
}

export function chain({ convolutions, channels, side }: Chain): Uint8Array {
  const nodes = Array.from({ length: convolutions }, (_, i) =>
    nodeMessage(`c${i}`, 'Conv', [i === 0 ? 'x' : `v${i}`, 'w'], i + 1 === convolutions ? 'y' : `v${i + 1}`),
  );
  const shape = [1, channels, side, side];
  const values = weights(channels * channels).map((value) => value / channels);
  return modelBytes({
    nodes,
    initializers: [tensorMessage('w', [channels, channels, 1, 1], values)],
    input: shape,
    output: shape,
  });
}

export function chainOfBytes({ convolutions, channels, side }: Chain): Uint8Array {
  const [UINT8, INT8] = [2, 3] as const;
  const integers = (name: string, type: number, dims: readonly number[], bytes: Uint8Array) =>
    Buffer.concat([
      ...dims.map((dim) => varintField(1, dim)),
      varintField(2, type),
      bytesField(8, name),
      bytesField(9, bytes),
    ]);
  const nodes = Array.from({ length: convolutions }, (_, i) =>
    nodeMessage(
      `c${i}`,
      'QLinearConv',
      [`v${i}`, 'scale', 'zero', 'w', 'scale', 'none', 'scale', 'zero'],
      `v${i + 1}`,
      [attributeMessage('kernel_shape', [1, 1])],
    ),
  );
  const values = Uint8Array.from(weights(channels * channels), (value) => Math.round(60 * value) & 0xff);
  const shape = [1, channels, side, side];
  return modelBytes({
    nodes: [
      nodeMessage('q', 'QuantizeLinear', ['x', 'scale', 'zero'], 'v0'),
      ...nodes,
      nodeMessage('d', 'DequantizeLinear', [`v${convolutions}`, 'scale', 'zero'], 'y'),
    ],
    initializers: [
      tensorMessage('scale', [], Float32Array.of(0.02)),
      integers('zero', UINT8, [], Uint8Array.of(128)),
      integers('none', INT8, [], Uint8Array.of(0)),
      integers('w', INT8, [channels, channels, 1, 1], values),
    ],
    input: shape,
    output: shape,
  });
}
