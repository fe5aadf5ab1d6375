import {
  type Attribute,
  attributeMessage,
  attributesOf,
  constantOf,
  customNode,
  GRAPH_INITIALIZER,
  GRAPH_NODE,
  GRAPH_OUTPUT,
  type Node,
  readModel,
  readNode,
  readTensor,
  type Tensor,
  valueName,
  withCustomOperators,
  withGraph,
} from './onnx.ts';
import { bytesField } from './wire.ts';

/** Must match `native/runtime/detection_head.h`. */
const KIND = {
  source: 0,
  number: 1,
  list: 2,
  add: 3,
  subtract: 4,
  multiply: 5,
  divide: 6,
  larger: 7,
  exp: 8,
} as const;
type Kind = (typeof KIND)[keyof typeof KIND];

const ARITHMETIC: Readonly<Record<string, Kind>> = {
  Add: KIND.add,
  Sub: KIND.subtract,
  Mul: KIND.multiply,
  Div: KIND.divide,
};

interface FeatureMap {
  readonly name: string;
  readonly columns: number;
}

type Columns = readonly number[];

/**
 * Replaces a detection head by one custom operator that stores columns separately, so `Slice` and `Concat`
 * cost nothing.
 *
 * Outputs must derive from feature maps by `Transpose`, `Reshape` and `Concat`, then arithmetic, `Exp`,
 * `Sigmoid`, `Softmax`, and `Slice` and `Concat` of columns.
 * @returns `model` itself if nothing changed.
 * @throws Error for an invalid ONNX file.
 */
export function fuseDetectionHead(model: Uint8Array): Uint8Array {
  const file = readModel(model);
  const nodes = file.contents(GRAPH_NODE).map(readNode);
  const builder = new DetectionHeadBuilder(file.contents(GRAPH_INITIALIZER).map(readTensor), nodes);
  const end = builder.build(file.contents(GRAPH_OUTPUT).map(valueName));
  if (!end) return model;

  const read = namesReadFor(end.inputs, nodes);
  let place = 0;
  const kept = file.graphFields.filter(({ number, content }) => {
    if (number === GRAPH_INITIALIZER) return read.has(readTensor(content).name);
    return number !== GRAPH_NODE || nodes[place++]?.outputs.some((name) => read.has(name));
  });
  const fields = [...kept.map(({ bytes }) => bytes), bytesField(GRAPH_NODE, end.node)];
  return withCustomOperators(withGraph(file, fields));
}

function namesReadFor(values: readonly string[], nodes: readonly Node[]): ReadonlySet<string> {
  const read = new Set(values);
  for (const { inputs, outputs } of [...nodes].reverse()) {
    if (outputs.some((name) => read.has(name))) for (const name of inputs) read.add(name);
  }
  return read;
}

class DetectionHeadBuilder {
  readonly #makers: ReadonlyMap<string, Node>;
  readonly #constants: Map<string, Tensor>;
  readonly #sources: (readonly FeatureMap[])[] = [];
  readonly #steps: (readonly [kind: Kind, a: number, b: number])[] = [];
  readonly #floats: number[] = [];
  readonly #columns = new Map<string, Columns | undefined>();

  constructor(initializers: readonly Tensor[], nodes: readonly Node[]) {
    this.#makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
    this.#constants = new Map(initializers.map((tensor) => [tensor.name, tensor]));
    for (const node of nodes) {
      const constant = constantOf(node);
      if (constant) this.#constants.set(node.outputs[0] ?? '', constant);
    }
  }

  build(outputs: readonly string[]): { node: Uint8Array; inputs: readonly string[] } | undefined {
    const made: Columns[] = [];
    for (const output of outputs) {
      const columnIds = this.#columnsOf(output);
      if (!columnIds) return undefined;
      made.push(columnIds);
    }
    const inputs = this.#sources.flat().map(({ name }) => name);
    const node = customNode('Columns', inputs, outputs, [
      attributeMessage(
        'inputs',
        this.#sources.flatMap((parts, i) => parts.flatMap(({ columns }) => [i, columns])),
      ),
      attributeMessage('steps', this.#steps.flat()),
      attributeMessage('floats', Float32Array.from(this.#floats)),
      attributeMessage(
        'outputs',
        made.flatMap((columnIds) => [columnIds.length, ...columnIds]),
      ),
    ]);
    return { node, inputs };
  }

  #columnsOf(name: string): Columns | undefined {
    if (!this.#columns.has(name)) this.#columns.set(name, this.#convert(name));
    return this.#columns.get(name);
  }

  #convert(name: string): Columns | undefined {
    const maps = this.#featureMapsOf(name);
    if (maps) return this.#source(maps);
    const node = this.#makers.get(name);
    if (node?.outputs.length !== 1) return undefined;
    const kind = ARITHMETIC[node.opType];
    if (kind !== undefined) return this.#arithmetic(kind, node);
    const attributes = attributesOf(node);
    const isOfColumns = [2, -1].includes(attributes.get('axis')?.i ?? 0);
    if (node.opType === 'Concat' && isOfColumns) {
      const parts = node.inputs.map((input) => this.#columnsOf(input));
      return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
    }
    const columnIds = this.#columnsOf(node.inputs[0] ?? '');
    if (!columnIds) return undefined;
    switch (node.opType) {
      case 'Exp':
        return columnIds.map((column) => this.#add(KIND.exp, column));
      case 'Sigmoid':
        return columnIds.map((column) => this.#sigmoid(column));
      case 'Softmax':
        return isOfColumns ? this.#softmax(columnIds) : undefined;
      case 'Slice':
        return this.#slice(columnIds, node, attributes);
      default:
        return undefined;
    }
  }

  #featureMapsOf(name: string): readonly FeatureMap[] | undefined {
    const node = this.#makers.get(name);
    if (!node) return undefined;
    const [first = '', shape = ''] = node.inputs;
    if (node.opType === 'Reshape') {
      const transpose = this.#makers.get(first);
      if (transpose?.opType !== 'Transpose') return undefined;
      const [maps = ''] = transpose.inputs;
      const sizes = this.#sizesOf(shape, [first, maps]);
      const isOfPixels = attributesOf(transpose).get('perm')?.ints.join() === '0,2,3,1';
      if (!isOfPixels || sizes?.length !== 3 || sizes[0] !== 0 || sizes[1] !== -1) return undefined;
      const columns = sizes[2] ?? 0;
      return columns > 0 ? [{ name: maps, columns }] : undefined;
    }
    if (node.opType !== 'Concat' || attributesOf(node).get('axis')?.i !== 1) return undefined;
    const parts = node.inputs.map((input) => this.#featureMapsOf(input));
    if (!parts.every((part) => part !== undefined)) return undefined;
    const maps = parts.flat();
    return maps.every(({ columns }) => columns === maps[0]?.columns) ? maps : undefined;
  }

  #sizesOf(name: string, batched: readonly string[]): readonly number[] | undefined {
    const constant = this.#constants.get(name);
    if (constant) return constant.wholes();
    const node = this.#makers.get(name);
    const [first = '', second = ''] = node?.inputs ?? [];
    switch (node?.opType) {
      case 'Unsqueeze':
        return this.#sizesOf(first, batched);
      case 'Concat': {
        const parts = node.inputs.map((input) => this.#sizesOf(input, batched));
        return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
      }
      case 'Gather': {
        const shape = this.#makers.get(first);
        const isOfBatch = shape?.opType === 'Shape' && batched.includes(shape.inputs[0] ?? '');
        return isOfBatch && this.#constants.get(second)?.wholes()?.join() === '0' ? [0] : undefined;
      }
      default:
        return undefined;
    }
  }

  #source(maps: readonly FeatureMap[]): Columns {
    const source = this.#sources.push(maps) - 1;
    return Array.from({ length: maps[0]?.columns ?? 0 }, (_, column) =>
      this.#add(KIND.source, source, column),
    );
  }

  #arithmetic(kind: Kind, { inputs: [a = '', b = ''] }: Node): Columns | undefined {
    const first = this.#columnsOf(a) ?? this.#constantColumns(a, this.#columnsOf(b)?.length ?? 0);
    const second = this.#columnsOf(b) ?? this.#constantColumns(b, first?.length ?? 0);
    if (!first || first.length !== second?.length) return undefined;
    return first.map((column, i) => this.#add(kind, column, second[i]));
  }

  #constantColumns(name: string, columns: number): Columns | undefined {
    const tensor = this.#constants.get(name);
    if (!tensor?.isFloats || columns === 0) return undefined;
    const values = tensor.floats();
    const count = tensor.dims.at(-1) ?? 1;
    if (values.length === 1) return new Array(columns).fill(this.#constant(values));
    // Constants must be equal for each image of a batch.
    if (count !== columns || (tensor.dims.at(-2) ?? 1) * count !== values.length) return undefined;
    return Array.from({ length: columns }, (_, c) =>
      this.#constant(values.filter((_, i) => i % columns === c)),
    );
  }

  #constant(values: Float32Array): number {
    const place = this.#floats.length;
    for (const value of values) this.#floats.push(value);
    return values.length === 1 ? this.#add(KIND.number, place) : this.#add(KIND.list, place, values.length);
  }

  #sigmoid(column: number): number {
    const one = this.#constant(Float32Array.of(1));
    const power = this.#add(KIND.exp, this.#add(KIND.subtract, this.#constant(Float32Array.of(0)), column));
    return this.#add(KIND.divide, one, this.#add(KIND.add, one, power));
  }

  #softmax(columnIds: Columns): Columns {
    const largest = columnIds.reduce((a, b) => this.#add(KIND.larger, a, b));
    const powers = columnIds.map((column) => this.#add(KIND.exp, this.#add(KIND.subtract, column, largest)));
    const sum = powers.reduce((a, b) => this.#add(KIND.add, a, b));
    return powers.map((power) => this.#add(KIND.divide, power, sum));
  }

  #slice(
    columnIds: Columns,
    { inputs }: Node,
    attributes: ReadonlyMap<string, Attribute>,
  ): Columns | undefined {
    const [starts, ends, axes, steps = [1]] = ['starts', 'ends', 'axes', 'steps'].map(
      (name, i) => attributes.get(name)?.ints ?? this.#constants.get(inputs[i + 1] ?? '')?.wholes(),
    );
    const isOfColumns = axes?.length === 1 && [2, -1].includes(axes[0] ?? 0) && steps.join() === '1';
    return isOfColumns && starts && ends ? columnIds.slice(starts[0], ends[0]) : undefined;
  }

  #add(kind: Kind, a = 0, b = 0): number {
    return this.#steps.push([kind, a, b]) - 1;
  }
}
