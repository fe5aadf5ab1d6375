import { GRAPH_INITIALIZER, GRAPH_NODE, MODEL_GRAPH, readModel, readNode, readTensor } from './onnx.ts';
import { type Field, readFields } from './wire.ts';

const GRAPH_VALUES = { input: 11, output: 12, inner: 13 } as const;
const VALUE_TYPE = 2;
const TYPE_TENSOR = 1;
const TENSOR_SHAPE = 2;
const SHAPE_DIM = 1;
const DIM_VALUE = 1;
const NODE_ATTRIBUTE = 5;
const ATTRIBUTE_TENSOR = 5;
const TENSOR_INT64_DATA = 7;
const TENSOR_RAW_DATA = 9;

/** A dimension of size 1, and one of any size (an empty name), as their messages have it. */
const ONE = Buffer.from([0x08, 0x01]);
const FREE = Buffer.from([0x12, 0x00]);

/**
 * The same network with a free first dimension of its input and outputs, the batch, where the file fixes it at 1. A
 * `Reshape` to a constant shape that begins with 1 keeps what its own input begins with instead. Whether the graph as a
 * whole then does the same to each of a batch is for a comparison to show: one that mixes its inputs is not recognised.
 * @param model an ONNX file. @returns a file of the same length; null where nothing is fixed at 1.
 * @throws Error with one sentence where it is none.
 */
export function freeBatch(model: Uint8Array): Uint8Array | null {
  // Every change is of one byte or two in their place, so that all of the file but these stays as it is.
  const changed = new Uint8Array(model);
  const { graphFields: fields, contents } = readModel(changed);
  const initializers = new Map(
    contents(GRAPH_INITIALIZER).map((content) => [readTensor(content).name, content]),
  );
  const inputs = fields.filter(
    ({ number, content }) => number === GRAPH_VALUES.input && !initializers.has(nameOf(content)),
  );
  if (!inputs.some(({ content }) => isFixedAtOne(content))) return null;
  for (const { number, content } of fields) {
    const isValue = (Object.values(GRAPH_VALUES) as number[]).includes(number);
    if (isValue && !initializers.has(nameOf(content)) && isFixedAtOne(content)) {
      firstDimension(content)?.set(FREE);
    }
  }
  const constants = new Map(initializers);
  for (const { number, content } of fields) {
    if (number !== GRAPH_NODE) continue;
    const node = readNode(content);
    if (node.opType === 'Constant') {
      const attribute = readFields(content).find((field) => field.number === NODE_ATTRIBUTE);
      const tensor = attribute && within(attribute.content, ATTRIBUTE_TENSOR);
      if (tensor) constants.set(node.outputs[0] ?? '', tensor);
    }
    const shape = node.opType === 'Reshape' && constants.get(node.inputs[1] ?? '');
    if (shape) keepFirst(shape);
  }
  return changed;
}

/** Whether the input leaves its height or width free: a detector that takes pictures of any size. */
export function isOfAnySize(model: Uint8Array): boolean {
  const graph = readFields(model).find(({ number }) => number === MODEL_GRAPH);
  const input = within(graph?.content, GRAPH_VALUES.input);
  const shape = within(within(within(input, VALUE_TYPE), TYPE_TENSOR), TENSOR_SHAPE);
  const sides = readFields(shape ?? new Uint8Array()).slice(2);
  return sides.some(({ content }) => !readFields(content).some(({ number }) => number === DIM_VALUE));
}

/** The name of a value, which is its message's first field. */
function nameOf(value: Uint8Array): string {
  return Buffer.from(within(value, 1) ?? []).toString('utf8');
}

/** The bytes of a message's first field of this number. */
function within(message: Uint8Array | undefined, number: number): Uint8Array | undefined {
  return message && readFields(message).find((field: Field) => field.number === number)?.content;
}

/** The message of the first dimension of a value that is a tensor. */
function firstDimension(value: Uint8Array): Uint8Array | undefined {
  return within(within(within(within(value, VALUE_TYPE), TYPE_TENSOR), TENSOR_SHAPE), SHAPE_DIM);
}

function isFixedAtOne(value: Uint8Array): boolean {
  const dimension = firstDimension(value);
  return dimension !== undefined && ONE.equals(dimension);
}

/** Makes the first of a constant shape's sizes 0, which to `Reshape` is the input's, where it is 1. */
function keepFirst(shape: Uint8Array): void {
  const raw = within(shape, TENSOR_RAW_DATA);
  const packed = within(shape, TENSOR_INT64_DATA);
  const isOne = raw ? Buffer.from(raw).readBigInt64LE() === 1n : packed?.[0] === 1;
  if (isOne) (raw ?? packed)?.set([0]);
}
