import { nodeMessage, tensorMessage } from '../src/vision/graph/onnx.ts';
import { bytesField, readFields, varintField } from '../src/vision/graph/wire.ts';

export interface SmallModel {
  readonly nodes: readonly Uint8Array[];
  readonly initializers: readonly Uint8Array[];
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly others?: readonly (readonly [string, readonly number[]])[];
  readonly irVersion?: number;
}

/** Name and shape of an input or output of floats; -1 for a size that is free. */
export function valueInfo(name: string, dims: readonly number[]): Uint8Array {
  const shape = Buffer.concat(dims.map((dim) => bytesField(1, dim < 0 ? '' : varintField(1, dim))));
  const tensor = Buffer.concat([varintField(1, 1), bytesField(2, shape)]);
  return Buffer.concat([bytesField(1, name), bytesField(2, bytesField(1, tensor))]);
}

/** The input is named `x`, the output `y`; operators are of version 13. */
export function modelBytes({
  nodes,
  initializers,
  input,
  output,
  others = [],
  irVersion = 7,
}: SmallModel): Uint8Array {
  const graph = Buffer.concat([
    ...nodes.map((node) => bytesField(1, node)),
    bytesField(2, 'small'),
    ...initializers.map((tensor) => bytesField(5, tensor)),
    bytesField(11, valueInfo('x', input)),
    bytesField(12, valueInfo('y', output)),
    ...others.map(([name, dims]) => bytesField(12, valueInfo(name, dims))),
  ]);
  return Buffer.concat([varintField(1, irVersion), bytesField(7, graph), bytesField(8, varintField(2, 13))]);
}

/** A constant of 64-bit whole numbers, each from 0 to 2^31 - 1 or -1. */
export function wholesMessage(name: string, dims: readonly number[], values: readonly number[]): Uint8Array {
  const data = Buffer.alloc(8 * values.length);
  for (const [i, value] of values.entries()) data.writeBigInt64LE(BigInt(value), 8 * i);
  return Buffer.concat([
    ...dims.map((dim) => varintField(1, dim)),
    varintField(2, 7),
    bytesField(8, name),
    bytesField(9, data),
  ]);
}

export function operators(model: Uint8Array): string[] {
  const graph = readFields(model).find(({ number }) => number === 7);
  return readFields(graph?.content ?? new Uint8Array())
    .filter(({ number }) => number === 1)
    .map(({ content }) => {
      const name = readFields(content).find(({ number }) => number === 4);
      return Buffer.from(name?.content ?? []).toString();
    });
}

/** Whole fractions from -1 to 1 that repeat after a while: weights that are all different. */
export function weights(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (((i * 37) % 101) - 50) / 50);
}

export const CHANNELS = 4;

/** x of 1 x 3 x 5 x 5 → Conv, 1 x 1, to 1 x 4 x 5 x 5 → PRelu → y. */
export function convAndPRelu(
  slope: Uint8Array | undefined,
  { slopeNodes = [], between = [], preluInput = 'c', opType = 'PRelu', after = [] as Uint8Array[] } = {} as {
    slopeNodes?: Uint8Array[];
    between?: Uint8Array[];
    preluInput?: string;
    opType?: string;
    after?: Uint8Array[];
  },
): SmallModel {
  return {
    nodes: [
      ...slopeNodes,
      nodeMessage('conv', 'Conv', ['x', 'w'], 'c'),
      ...between,
      nodeMessage('prelu', opType, [preluInput, 's'], after.length > 0 ? 'p' : 'y'),
      ...after,
    ],
    initializers: [tensorMessage('w', [CHANNELS, 3, 1, 1], weights(3 * CHANNELS)), ...(slope ? [slope] : [])],
    input: [1, 3, 5, 5],
    output: [1, CHANNELS, 5, 5],
  };
}
