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

const ONE = Buffer.from([0x08, 0x01]);
const FREE = Buffer.from([0x12, 0x00]);

/**
 * Frees the batch dimension (the first, fixed at 1) of inputs, outputs, and `Reshape` to a constant shape.
 * Compare results with the original's: a graph may mix its inputs.
 * @returns a file of equal length; null if nothing changed.
 * @throws Error for an invalid ONNX file.
 */
export function freeBatch(model: Uint8Array): Uint8Array | null {
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

export function isOfAnySize(model: Uint8Array): boolean {
  const graph = readFields(model).find(({ number }) => number === MODEL_GRAPH);
  const input = within(graph?.content, GRAPH_VALUES.input);
  const shape = within(within(within(input, VALUE_TYPE), TYPE_TENSOR), TENSOR_SHAPE);
  const sides = readFields(shape ?? new Uint8Array()).slice(2);
  return sides.some(({ content }) => !readFields(content).some(({ number }) => number === DIM_VALUE));
}

function nameOf(value: Uint8Array): string {
  return Buffer.from(within(value, 1) ?? []).toString('utf8');
}

function within(message: Uint8Array | undefined, number: number): Uint8Array | undefined {
  return message && readFields(message).find((field: Field) => field.number === number)?.content;
}

function firstDimension(value: Uint8Array): Uint8Array | undefined {
  return within(within(within(within(value, VALUE_TYPE), TYPE_TENSOR), TENSOR_SHAPE), SHAPE_DIM);
}

function isFixedAtOne(value: Uint8Array): boolean {
  const dimension = firstDimension(value);
  return dimension !== undefined && ONE.equals(dimension);
}

function keepFirst(shape: Uint8Array): void {
  const raw = within(shape, TENSOR_RAW_DATA);
  const packed = within(shape, TENSOR_INT64_DATA);
  const isOne = raw ? Buffer.from(raw).readBigInt64LE() === 1n : packed?.[0] === 1;
  if (isOne) (raw ?? packed)?.set([0]);
}
