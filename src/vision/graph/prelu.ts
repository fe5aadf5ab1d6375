import {
  attributeMessage,
  constantOf,
  GRAPH_INITIALIZER,
  GRAPH_NODE,
  type Node,
  nodeMessage,
  readModel,
  readNode,
  readTensor,
  type Tensor,
  tensorMessage,
  withGraph,
} from './onnx.ts';
import { bytesField, type Field } from './wire.ts';

/** Bounds the file's growth, because one slope can stand for many channels. */
const SPARE_ROOM = 1 << 20;

export interface Rewritten {
  readonly model: Uint8Array;
  readonly replaced: number;
}

/**
 * ONNX Runtime's blocked layout (NCHWc) lacks PRelu, so depthwise 1 x 1 convolutions replace it. Results are
 * equal for finite x, up to rounding.
 *
 * Slopes up to 1 use `Add(Relu(Conv(x, 1 - slope)), Conv(x, slope))`, which the runtime fuses into two passes.
 * Keeps a PRelu without a known 4-D input or constant slopes per channel.
 * @throws Error for an invalid ONNX file.
 */
export function splitPRelus(model: Uint8Array): Rewritten {
  const file = readModel(model);
  const constants = new Map(
    file
      .contents(GRAPH_INITIALIZER)
      .map(readTensor)
      .map((tensor) => [tensor.name, tensor]),
  );
  const channels = new Map<string, number>();
  const prefix = unusedPrefix(model);
  const initializers: Uint8Array[] = [];
  let replaced = 0;
  let room = model.length + SPARE_ROOM;

  const rewriteNode = (field: Field): Uint8Array[] => {
    const node = readNode(field.content);
    const constant = constantOf(node);
    if (constant) constants.set(node.outputs[0] ?? '', constant);
    noteChannels(node, constants, channels);
    const slopes = slopesOf(node, constants, channels);
    if (!slopes) return [field.bytes];
    const parts = splitPRelu(node, slopes, `${prefix}${replaced}`);
    replaced += 1;
    room -= slopes.byteLength;
    if (room < 0) throw new Error('The file has more slopes than weights, which no real network has.');
    initializers.push(...parts.initializers.map((each) => bytesField(GRAPH_INITIALIZER, each)));
    return parts.nodes.map((each) => bytesField(GRAPH_NODE, each));
  };
  const rewritten = file.graphFields.flatMap((field) =>
    field.number === GRAPH_NODE ? rewriteNode(field) : [field.bytes],
  );
  if (replaced === 0) return { model, replaced };
  return { model: Buffer.concat(withGraph(file, [...rewritten, ...initializers])), replaced };
}

function unusedPrefix(model: Uint8Array): string {
  const bytes = Buffer.from(model.buffer, model.byteOffset, model.byteLength);
  let prefix = 'split_prelu_';
  while (bytes.includes(prefix)) prefix += '_';
  return prefix;
}

function noteChannels(
  { opType, inputs, outputs }: Node,
  constants: ReadonlyMap<string, Tensor>,
  channels: Map<string, number>,
): void {
  const [x = '', second = ''] = inputs;
  const of = {
    Conv: () => {
      const weights = constants.get(second);
      return weights?.isFloats && weights.dims.length === 4 ? weights.dims[0] : undefined;
    },
    BatchNormalization: () => channels.get(x),
    PRelu: () => channels.get(x),
    Relu: () => channels.get(x),
    Add: () => (channels.get(x) === channels.get(second) ? channels.get(x) : undefined),
  };
  const count = Object.hasOwn(of, opType) ? of[opType as keyof typeof of]() : undefined;
  if (count !== undefined) channels.set(outputs[0] ?? '', count);
}

function slopesOf(
  { opType, inputs: [x = '', slope = ''] }: Node,
  constants: ReadonlyMap<string, Tensor>,
  channels: ReadonlyMap<string, number>,
): Float32Array | undefined {
  const tensor = opType === 'PRelu' ? constants.get(slope) : undefined;
  const count = channels.get(x);
  if (!tensor?.isFloats || count === undefined) return undefined;
  const values = tensor.floats();
  if (!values.every(Number.isFinite)) return undefined;
  if (values.length === 1 && tensor.dims.length <= 4)
    return new Float32Array(count).fill(values[0] as number);
  // Broadcasting aligns last dimensions: a plain list is per column.
  const shape = tensor.dims.join('x');
  return shape === `${count}x1x1` || shape === `1x${count}x1x1` ? values : undefined;
}

function splitPRelu(
  { inputs: [x = ''], outputs: [y = ''] }: Node,
  slopes: Float32Array,
  name: string,
): { nodes: Uint8Array[]; initializers: Uint8Array[] } {
  const count = slopes.length;
  const depthwise = [attributeMessage('group', count), attributeMessage('kernel_shape', [1, 1])];
  const scaled = (part: string, input: string) =>
    nodeMessage(`${name}_${part}`, 'Conv', [input, `${name}_${part}_w`], `${name}_${part}`, depthwise);
  const weights = (part: string, values: Float32Array) =>
    tensorMessage(`${name}_${part}_w`, [count, 1, 1, 1], values);
  const relu = (input: string) => nodeMessage(`${name}_relu`, 'Relu', [input], `${name}_relu`);
  const sum = (bent: string) => nodeMessage(`${name}_add`, 'Add', [bent, `${name}_line`], y);
  const isConvex = slopes.every((slope) => slope <= 1);
  return {
    nodes: isConvex
      ? [scaled('bend', x), relu(`${name}_bend`), scaled('line', x), sum(`${name}_relu`)]
      : [relu(x), scaled('bend', `${name}_relu`), scaled('line', x), sum(`${name}_bend`)],
    initializers: [
      weights(
        'bend',
        slopes.map((slope) => 1 - slope),
      ),
      weights('line', slopes),
    ],
  };
}
