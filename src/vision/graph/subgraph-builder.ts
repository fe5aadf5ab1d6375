import {
  type Attribute,
  attributeMessage,
  attributesOf,
  constantOf,
  customNode,
  type Node,
  type Tensor,
} from './onnx.ts';

/** Must match `native/runtime/fused_subgraph.h`. */
const KIND = { dense: 0, depthwise: 1, sum: 2, pool: 3, doubled: 4 } as const;
const NO_VALUE = 0;

/** Value 0 is the input; steps count from 1. */
interface Step {
  readonly kind: (typeof KIND)[keyof typeof KIND];
  readonly input: number;
  added: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Kernel, strides, dilations, each vertical then horizontal; padding top, left, bottom, right. */
  readonly geometry: readonly number[];
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly slope: Float32Array;
  hasActivation: boolean;
}

const POINTWISE = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0] as const;
const NOTHING = new Float32Array();
const HALVING = [2, 2, 2, 2, 1, 1, 0, 0, 0, 0] as const;

export interface FusedSubgraph {
  readonly node: Uint8Array;
  readonly replaced: ReadonlySet<number>;
  readonly unread: ReadonlySet<string>;
}

/**
 * Fuses normalisation into the preceding convolution, and activations and sums into their input's step, unless
 * other nodes read the value.
 */
export class SubgraphBuilder {
  readonly #constants: Map<string, Tensor>;
  readonly #input: string | undefined;
  readonly #nodes: readonly Node[];
  readonly #outputs: readonly string[];
  readonly #reads = new Map<string, number>();
  readonly #values = new Map<string, number>();
  readonly #steps: Step[] = [];
  readonly #joined = new Map<string, readonly number[]>();

  constructor(
    initializers: readonly Tensor[],
    inputs: readonly string[],
    nodes: readonly Node[],
    outputs: readonly string[],
  ) {
    this.#outputs = outputs;
    this.#constants = new Map(initializers.map((tensor) => [tensor.name, tensor]));
    const given = inputs.filter((name) => !this.#constants.has(name));
    if (given.length === 1) this.#input = given[0];
    this.#nodes = nodes;
    for (const name of [...nodes.flatMap(({ inputs }) => inputs), ...outputs]) {
      this.#reads.set(name, (this.#reads.get(name) ?? 0) + 1);
    }
  }

  build(): FusedSubgraph | undefined {
    const hasGraphs = this.#nodes.some((node) =>
      [...attributesOf(node).values()].some(({ isGraph }) => isGraph),
    );
    if (this.#input === undefined || hasGraphs) return undefined;
    this.#values.set(this.#input, 0);
    const replaced = new Set<number>();
    for (const [place, node] of this.#nodes.entries()) {
      const constant = constantOf(node);
      if (constant) this.#constants.set(node.outputs[0] ?? '', constant);
      else if (this.#fuse(node)) replaced.add(place);
    }
    // Keep a `Concat` that other nodes read.
    for (const [place, { outputs }] of [...this.#nodes.entries()].reverse()) {
      const [name = ''] = outputs;
      const isRead = (node: Node, at: number) => !replaced.has(at) && node.inputs.includes(name);
      if (this.#joined.has(name) && (this.#outputs.includes(name) || this.#nodes.some(isRead)))
        replaced.delete(place);
    }
    const rest = this.#nodes.filter((_, place) => !replaced.has(place));
    const replacedNodes = this.#nodes.filter((_, place) => replaced.has(place));
    const convolutions = (nodes: readonly Node[]) => nodes.filter(({ opType }) => opType === 'Conv').length;
    // A short subgraph gains little and adds layout changes.
    if (4 * convolutions(replacedNodes) < convolutions(this.#nodes) || this.#steps.length === 0)
      return undefined;
    const readByRest = new Set([...rest.flatMap(({ inputs }) => inputs), ...this.#outputs]);
    const given = [...this.#values].filter(([name, value]) => value > 0 && readByRest.has(name));
    const readBySubgraph = replacedNodes.flatMap(({ inputs }) => inputs);
    return {
      node: this.#message(given),
      replaced,
      unread: new Set(readBySubgraph.filter((name) => this.#constants.has(name) && !readByRest.has(name))),
    };
  }

  #message(outputs: readonly (readonly [string, number])[]): Uint8Array {
    const steps = this.#steps.flatMap((step, i) => [
      step.kind,
      step.input,
      step.added,
      i + 1,
      step.inputs,
      step.outputs,
      ...step.geometry,
    ]);
    const weights = this.#steps.flatMap(({ weights, bias, slope }) => [weights, bias, slope]);
    const all = new Float32Array(weights.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of weights) {
      all.set(part, at);
      at += part.length;
    }
    return customNode(
      'Segment',
      [this.#input ?? ''],
      outputs.map(([name]) => name),
      [
        attributeMessage('steps', steps),
        attributeMessage(
          'outputs',
          outputs.map(([, value]) => value),
        ),
        attributeMessage('weights', all),
      ],
    );
  }

  #fuse(node: Node): boolean {
    const attributes = attributesOf(node);
    if (node.opType === 'Concat') return this.#join(node, attributes);
    const value = this.#fusedValue(node, attributes);
    if (value === undefined) return false;
    this.#values.set(node.outputs[0] ?? '', value);
    return true;
  }

  #fusedValue(node: Node, attributes: ReadonlyMap<string, Attribute>): number | undefined {
    if (node.outputs.filter((name) => name !== '').length !== 1) return undefined;
    switch (node.opType) {
      case 'Conv':
        return this.#fuseConvolution(node, attributes);
      case 'BatchNormalization':
        return this.#fuseNormalization(node, attributes);
      case 'Relu':
      case 'PRelu':
        return this.#fuseActivation(node);
      case 'Add':
        return this.#fuseSum(node);
      case 'Mul':
        return this.#fuseFactor(node);
      case 'MaxPool':
        return this.#fusePool(node, attributes);
      case 'Resize':
        return this.#fuseResize(node, attributes);
      default:
        return undefined;
    }
  }

  #fuseConvolution({ inputs }: Node, attributes: ReadonlyMap<string, Attribute>): number | undefined {
    const [x = '', w = '', b = ''] = inputs;
    const parts = this.#partsOf(x);
    const weights = this.#constants.get(w);
    const bias = b === '' ? undefined : this.#constants.get(b);
    if (!parts || !weights?.isFloats || weights.dims.length !== 4) return undefined;
    const [outputs, perGroup, ...kernel] = weights.dims as [number, number, number, number];
    if (b !== '' && !(bias?.isFloats && bias.dims.join() === `${outputs}`)) return undefined;
    const group = attributes.get('group')?.i ?? 1;
    const [input = 0, ...others] = parts;
    const isSimple = input !== 0 && others.length === 0;
    const isDepthwise = isSimple && group === outputs && perGroup === 1;
    if (group !== 1 && !isDepthwise) return undefined;
    const geometry = geometryOf(kernel, attributes);
    if (!geometry) return undefined;
    const step = {
      outputs,
      geometry,
      bias: bias?.floats() ?? new Float32Array(outputs),
      slope: new Float32Array(outputs).fill(1),
      hasActivation: false,
    };
    const values = weights.floats();
    if (others.length === 0) {
      const [kind, inputs] = isDepthwise ? [KIND.depthwise, outputs] : [KIND.dense, perGroup];
      return this.#add({ ...step, kind, input, added: NO_VALUE, inputs, weights: values });
    }
    const size = values.length / outputs / perGroup;
    let added: number = NO_VALUE;
    let channel = 0;
    for (const part of parts) {
      const inputs = this.#steps[part - 1]?.outputs ?? 0;
      const own = new Float32Array(outputs * inputs * size);
      for (let o = 0; o < outputs; o++) {
        const from = (o * perGroup + channel) * size;
        own.set(values.subarray(from, from + inputs * size), o * inputs * size);
      }
      const first = added === NO_VALUE ? {} : { bias: new Float32Array(outputs), slope: step.slope.slice() };
      added = this.#add({ ...step, ...first, kind: KIND.dense, input: part, added, inputs, weights: own });
      channel += inputs;
    }
    return added;
  }

  #partsOf(name: string): readonly number[] | undefined {
    const value = this.#values.get(name);
    return value === undefined ? this.#joined.get(name) : [value];
  }

  #join({ inputs, outputs }: Node, attributes: ReadonlyMap<string, Attribute>): boolean {
    const parts = inputs.flatMap((name) => this.#partsOf(name) ?? [0]);
    if (attributes.get('axis')?.i !== 1 || parts.includes(0)) return false;
    this.#joined.set(outputs[0] ?? '', parts);
    return true;
  }

  #fuseNormalization(
    { inputs: [x = '', ...names] }: Node,
    attributes: ReadonlyMap<string, Attribute>,
  ): number | undefined {
    const step = this.#stepOf(x);
    const tensors = names.map((name) => this.#constants.get(name));
    if (!step || tensors.length !== 4) return undefined;
    if (!tensors.every((tensor) => tensor?.isFloats && tensor.dims.join() === `${step.outputs}`))
      return undefined;
    const [scale, shift, mean, variance] = tensors.map((tensor) => tensor?.floats()) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const epsilon = attributes.get('epsilon')?.f ?? 1e-5;
    const factors = scale.map((value, c) => value / Math.sqrt((variance[c] ?? 0) + epsilon));
    const offsets = shift.map((value, c) => value - (mean[c] ?? 0) * (factors[c] ?? 0));
    return this.#fuseScale(x, step, factors, offsets);
  }

  #fuseFactor({ inputs: [a = '', b = ''] }: Node): number | undefined {
    const [name, other] = this.#values.has(a) ? [a, b] : [b, a];
    const step = this.#stepOf(name);
    const factors = step && this.#slopes(other, step.outputs);
    if (!factors) return undefined;
    // Otherwise later nodes fuse into a shared step.
    const isOnlyRead = this.#reads.get(name) === 1;
    if (isOnlyRead && factors.every((factor) => factor === 1)) return this.#values.get(name);
    return this.#fuseScale(name, step, factors, new Float32Array(step.outputs));
  }

  #fuseScale(x: string, step: Step, factors: Float32Array, offsets: Float32Array): number | undefined {
    if (!this.#isOpen(x, step) || step.weights.length === 0 || step.added !== NO_VALUE) {
      return this.#pointwise(this.#values.get(x) ?? 0, factors, offsets);
    }
    const each = step.weights.length / step.outputs;
    for (let i = 0; i < step.weights.length; i++) {
      step.weights[i] = (step.weights[i] ?? 0) * (factors[Math.floor(i / each)] ?? 0);
    }
    for (const [c, factor] of factors.entries()) {
      step.bias[c] = (step.bias[c] ?? 0) * factor + (offsets[c] ?? 0);
    }
    return this.#values.get(x);
  }

  #fuseActivation({ opType, inputs: [x = '', s = ''] }: Node): number | undefined {
    const step = this.#stepOf(x);
    if (!step) return undefined;
    const slope = opType === 'Relu' ? new Float32Array(step.outputs) : this.#slopes(s, step.outputs);
    if (!slope) return undefined;
    let value = this.#values.get(x);
    let target: Step | undefined = step;
    if (!this.#isOpen(x, step)) {
      const ones = new Float32Array(step.outputs).fill(1);
      value = this.#pointwise(value ?? 0, ones, new Float32Array(step.outputs));
      target = this.#steps.at(-1);
    }
    if (!target) return undefined;
    target.slope.set(slope);
    target.hasActivation = true;
    return value;
  }

  #slopes(name: string, channels: number): Float32Array | undefined {
    const tensor = this.#constants.get(name);
    if (!tensor?.isFloats) return undefined;
    const values = tensor.floats();
    if (values.length === 1 && tensor.dims.length <= 4) {
      return new Float32Array(channels).fill(values[0] ?? 0);
    }
    const shape = tensor.dims.join('x');
    return shape === `${channels}x1x1` || shape === `1x${channels}x1x1` ? values : undefined;
  }

  #fuseSum({ inputs: [a = '', b = ''] }: Node): number | undefined {
    const [first, second] = [this.#stepOf(a), this.#stepOf(b)];
    if (!first || !second || first.outputs !== second.outputs) return undefined;
    const numbers = [this.#values.get(a) ?? 0, this.#values.get(b) ?? 0] as const;
    const [earlier, later] = [Math.min(...numbers), Math.max(...numbers)];
    const step = this.#steps[later - 1];
    const name = later === numbers[0] ? a : b;
    if (
      step &&
      earlier < later &&
      step.kind === KIND.dense &&
      step.input !== 0 &&
      step.added === NO_VALUE &&
      this.#isOpen(name, step)
    ) {
      step.added = earlier;
      return later;
    }
    return this.#add({
      kind: KIND.sum,
      input: later,
      added: earlier,
      inputs: first.outputs,
      outputs: first.outputs,
      geometry: POINTWISE,
      weights: NOTHING,
      bias: NOTHING,
      slope: new Float32Array(first.outputs).fill(1),
      hasActivation: false,
    });
  }

  /** Only 2 x 2 with stride 2, so that no maximum spans padding. */
  #fusePool({ inputs: [x = ''] }: Node, attributes: ReadonlyMap<string, Attribute>): number | undefined {
    const geometry = geometryOf(attributes.get('kernel_shape')?.ints ?? [], attributes);
    const isFloor = (attributes.get('ceil_mode')?.i ?? 0) === 0;
    return isFloor && geometry?.join() === HALVING.join() ? this.#resample(x, KIND.pool, HALVING) : undefined;
  }

  /** Only pixels repeated to twice the height and width. */
  #fuseResize({ inputs }: Node, attributes: ReadonlyMap<string, Attribute>): number | undefined {
    const [x = '', , scales = ''] = inputs;
    const text = (name: string, otherwise: string) => attributes.get(name)?.s ?? otherwise;
    const tensor = this.#constants.get(scales);
    const isDoubled = tensor?.isFloats && tensor.floats().join() === '1,1,2,2';
    const isRepeated =
      text('mode', 'nearest') === 'nearest' &&
      text('nearest_mode', 'round_prefer_floor') === 'floor' &&
      text('coordinate_transformation_mode', 'half_pixel') === 'asymmetric';
    if (inputs.length !== 3 || attributes.has('axes') || !isDoubled || !isRepeated) return undefined;
    return this.#resample(x, KIND.doubled, POINTWISE);
  }

  #resample(
    x: string,
    kind: typeof KIND.pool | typeof KIND.doubled,
    geometry: readonly number[],
  ): number | undefined {
    const step = this.#stepOf(x);
    if (!step) return undefined;
    return this.#add({
      kind,
      input: this.#values.get(x) ?? 0,
      added: NO_VALUE,
      inputs: step.outputs,
      outputs: step.outputs,
      geometry,
      weights: NOTHING,
      bias: NOTHING,
      slope: NOTHING,
      hasActivation: false,
    });
  }

  #pointwise(input: number, factors: Float32Array, offsets: Float32Array): number {
    return this.#add({
      kind: KIND.depthwise,
      input,
      added: NO_VALUE,
      inputs: factors.length,
      outputs: factors.length,
      geometry: POINTWISE,
      weights: factors,
      bias: offsets,
      slope: new Float32Array(factors.length).fill(1),
      hasActivation: false,
    });
  }

  #add(step: Step): number {
    return this.#steps.push(step);
  }

  #stepOf(name: string): Step | undefined {
    return this.#steps[(this.#values.get(name) ?? 0) - 1];
  }

  #isOpen(name: string, step: Step): boolean {
    return step.slope.length > 0 && !step.hasActivation && this.#reads.get(name) === 1;
  }
}

function geometryOf(
  kernel: readonly number[],
  attributes: ReadonlyMap<string, Attribute>,
): readonly number[] | undefined {
  if (!['', 'NOTSET'].includes(attributes.get('auto_pad')?.s ?? '')) return undefined;
  const list = (name: string, otherwise: readonly number[]) => attributes.get(name)?.ints ?? otherwise;
  return [...kernel, ...list('strides', [1, 1]), ...list('dilations', [1, 1]), ...list('pads', [0, 0, 0, 0])];
}
