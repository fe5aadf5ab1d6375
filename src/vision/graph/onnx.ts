/** Field numbers follow `onnx/onnx.proto`. */
import { bytesField, type Field, readFields, readVarints, varintField } from './wire.ts';

export const MODEL_GRAPH = 7;
export const GRAPH_NODE = 1;
export const GRAPH_INITIALIZER = 5;
export const GRAPH_INPUT = 11;
export const GRAPH_OUTPUT = 12;

const VALUE_NAME = 1;

const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 } as const;
const TENSOR = {
  dims: 1,
  dataType: 2,
  floatData: 4,
  int64Data: 7,
  name: 8,
  rawData: 9,
  dataLocation: 14,
} as const;
const ATTRIBUTE = {
  name: 1,
  f: 2,
  i: 3,
  s: 4,
  tensor: 5,
  graph: 6,
  floats: 7,
  ints: 8,
  graphs: 11,
  type: 20,
} as const;

const DATA_TYPE_FLOAT = 1;
const DATA_TYPE_INT64 = 7;
const ATTRIBUTE_TYPE = { int: 2, floats: 6, ints: 7 } as const;

export interface Node {
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly Uint8Array[];
}

export interface Attribute {
  readonly f: number | undefined;
  readonly i: number | undefined;
  readonly s: string | undefined;
  readonly ints: readonly number[];
  readonly isGraph: boolean;
}

export interface Tensor {
  readonly name: string;
  readonly dims: readonly number[];
  /** 32-bit floats, as `floats` requires. */
  readonly isFloats: boolean;
  /** Row-major. */
  floats(): Float32Array;
  /** Undefined without 64-bit integers. */
  wholes(): readonly number[] | undefined;
}

export interface Model {
  readonly fields: readonly Field[];
  readonly graph: Field;
  readonly graphFields: readonly Field[];
  contents(number: number): Uint8Array[];
}

export function readModel(bytes: Uint8Array): Model {
  const fields = readFields(bytes);
  const graphs = fields.filter(({ number }) => number === MODEL_GRAPH);
  const [graph] = graphs;
  if (graph === undefined || graphs.length > 1) {
    throw new Error(`Expected an ONNX model with one graph, got ${graphs.length}.`);
  }
  const graphFields = readFields(graph.content);
  const contents = (wanted: number) =>
    graphFields.filter(({ number }) => number === wanted).map(({ content }) => content);
  return { fields, graph, graphFields, contents };
}

export function withGraph(model: Model, graph: readonly Uint8Array[]): Uint8Array[] {
  const message = bytesField(MODEL_GRAPH, Buffer.concat(graph));
  return model.fields.map((field) => (field === model.graph ? message : field.bytes));
}

const text = ({ content }: Field): string => Buffer.from(content).toString('utf8');

export function readNode(bytes: Uint8Array): Node {
  const fields = readFields(bytes);
  const texts = (number: number) => fields.filter((field) => field.number === number).map(text);
  const isOfOnnx = ['', 'ai.onnx'].includes(texts(NODE.domain).at(-1) ?? '');
  return {
    opType: (isOfOnnx && texts(NODE.opType).at(-1)) || '',
    inputs: texts(NODE.input),
    outputs: texts(NODE.output),
    attributes: fields.filter(({ number }) => number === NODE.attribute).map(({ content }) => content),
  };
}

export function readTensor(bytes: Uint8Array): Tensor {
  let name = '';
  let dataType = 0;
  let dataLocation = 0;
  const dims: number[] = [];
  const data: Uint8Array[] = [];
  const listed: bigint[] = [];
  for (const field of readFields(bytes)) {
    if (field.number === TENSOR.name) name = text(field);
    else if (field.number === TENSOR.dataType) dataType = Number(field.varint);
    else if (field.number === TENSOR.dataLocation) dataLocation = Number(field.varint);
    else if (field.number === TENSOR.dims) dims.push(...varintsOf(field).map(Number));
    else if (field.number === TENSOR.int64Data) listed.push(...varintsOf(field));
    else if (field.number === TENSOR.floatData || field.number === TENSOR.rawData) data.push(field.content);
  }
  const length = data.reduce((sum, { length }) => sum + length, 0);
  const isFloats =
    dataType === DATA_TYPE_FLOAT &&
    dataLocation === 0 &&
    length > 0 &&
    length === 4 * dims.reduce((size, dim) => size * dim, 1);
  const floats = () => {
    const bytes = Buffer.concat(data);
    const values = new Float32Array(length / 4);
    for (let i = 0; i < values.length; i++) values[i] = bytes.readFloatLE(4 * i);
    return values;
  };
  const wholes = () => {
    if (dataType !== DATA_TYPE_INT64 || dataLocation !== 0) return undefined;
    const bytes = Buffer.concat(data);
    const raw = Array.from({ length: Math.floor(length / 8) }, (_, i) => bytes.readBigInt64LE(8 * i));
    return [...raw, ...listed.map((value) => BigInt.asIntN(64, value))].map(Number);
  };
  return { name, dims, isFloats, floats, wholes };
}

function varintsOf({ isBytes, content, varint }: Field): readonly bigint[] {
  return isBytes ? readVarints(content) : [varint];
}

export function attributesOf(node: Node): ReadonlyMap<string, Attribute> {
  return new Map(
    node.attributes.map((bytes) => {
      const fields = readFields(bytes);
      const last = (number: number) => fields.filter((field) => field.number === number).at(-1);
      const [name, f, i, s] = [last(ATTRIBUTE.name), last(ATTRIBUTE.f), last(ATTRIBUTE.i), last(ATTRIBUTE.s)];
      const attribute: Attribute = {
        f: f && Buffer.from(f.content).readFloatLE(),
        i: i && Number(BigInt.asIntN(64, i.varint)),
        s: s && text(s),
        ints: fields
          .filter(({ number }) => number === ATTRIBUTE.ints)
          .flatMap(varintsOf)
          .map((value) => Number(BigInt.asIntN(64, value))),
        isGraph: fields.some(({ number }) => number === ATTRIBUTE.graph || number === ATTRIBUTE.graphs),
      };
      return [name ? text(name) : '', attribute];
    }),
  );
}

export function valueName(bytes: Uint8Array): string {
  const name = readFields(bytes).find(({ number }) => number === VALUE_NAME);
  return name ? text(name) : '';
}

/** Undefined for other constants. */
export function constantOf(node: Node): Tensor | undefined {
  if (node.opType !== 'Constant') return undefined;
  for (const attribute of node.attributes) {
    const tensor = readFields(attribute).find(({ number }) => number === ATTRIBUTE.tensor);
    if (tensor) return readTensor(tensor.content);
  }
  return undefined;
}

export function nodeMessage(
  name: string,
  opType: string,
  inputs: readonly string[],
  outputs: string | readonly string[],
  attributes: readonly Uint8Array[] = [],
  domain = '',
): Uint8Array {
  return Buffer.concat([
    ...inputs.map((input) => bytesField(NODE.input, input)),
    ...[outputs].flat().map((output) => bytesField(NODE.output, output)),
    bytesField(NODE.name, name),
    bytesField(NODE.opType, opType),
    ...(domain ? [bytesField(NODE.domain, domain)] : []),
    ...attributes.map((attribute) => bytesField(NODE.attribute, attribute)),
  ]);
}

export function tensorMessage(name: string, dims: readonly number[], floats: Float32Array): Uint8Array {
  return Buffer.concat([
    ...dims.map((dim) => varintField(TENSOR.dims, dim)),
    varintField(TENSOR.dataType, DATA_TYPE_FLOAT),
    bytesField(TENSOR.name, name),
    bytesField(TENSOR.rawData, littleEndian(floats)),
  ]);
}

function littleEndian(floats: Float32Array): Uint8Array {
  const data = Buffer.alloc(4 * floats.length);
  for (let i = 0; i < floats.length; i++) data.writeFloatLE(floats[i] as number, 4 * i);
  return data;
}

export function attributeMessage(name: string, value: number | readonly number[] | Float32Array): Uint8Array {
  if (value instanceof Float32Array) {
    return Buffer.concat([
      bytesField(ATTRIBUTE.name, name),
      bytesField(ATTRIBUTE.floats, littleEndian(value)),
      varintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.floats),
    ]);
  }
  const fields =
    typeof value === 'number'
      ? [varintField(ATTRIBUTE.i, value), varintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.int)]
      : [
          ...value.map((each) => varintField(ATTRIBUTE.ints, each)),
          varintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.ints),
        ];
  return Buffer.concat([bytesField(ATTRIBUTE.name, name), ...fields]);
}

const DOMAIN = 'visage';
const MODEL_OPERATOR_SET = 8;
const OPERATOR_SET = { domain: 1, version: 2 } as const;

/** Use each kind at most once per graph. Prepared networks on disk contain these names. */
export function customNode(
  opType: 'Segment' | 'Columns',
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Uint8Array[],
): Uint8Array {
  return nodeMessage(`visage_${opType}`, opType, inputs, outputs, attributes, DOMAIN);
}

export function withCustomOperators(fields: readonly Uint8Array[]): Uint8Array {
  const set = bytesField(
    MODEL_OPERATOR_SET,
    Buffer.concat([bytesField(OPERATOR_SET.domain, DOMAIN), varintField(OPERATOR_SET.version, 1)]),
  );
  return Buffer.concat(fields.some((field) => set.equals(field)) ? fields : [...fields, set]);
}
