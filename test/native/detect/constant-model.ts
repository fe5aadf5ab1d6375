/** Networks with constant outputs, so that a person can work out the boxes of a decoder. */
import { nodeMessage, tensorMessage } from '../../../src/vision/graph/onnx.ts';
import { bytesField, varintField } from '../../../src/vision/graph/wire.ts';
import { valueInfo } from '../../../testing/small-model.ts';

/** An output of `rows` x `columns`, all 0 but for the rows given. */
export interface ConstantOutput {
  readonly rows: number;
  readonly columns: number;
  readonly values: Readonly<Record<number, readonly number[]>>;
}

/** An ONNX file with an input of 1 x 3 x height x width and outputs of 1 x rows x columns. */
export function constantModel(
  input: { readonly width: number; readonly height: number },
  outputs: readonly ConstantOutput[],
): Uint8Array {
  const shapes = outputs.map(({ rows, columns }) => [1, rows, columns]);
  const tensors = outputs.map(({ rows, columns, values }, i) => {
    const floats = new Float32Array(rows * columns);
    for (const [row, numbers] of Object.entries(values)) floats.set(numbers, Number(row) * columns);
    return tensorMessage(`c${i}`, shapes[i] as number[], floats);
  });
  const graph = Buffer.concat([
    ...outputs.map((_, i) => bytesField(1, nodeMessage(`n${i}`, 'Identity', [`c${i}`], `y${i}`))),
    bytesField(2, 'constant'),
    ...tensors.map((tensor) => bytesField(5, tensor)),
    bytesField(11, valueInfo('x', [1, 3, input.height, input.width])),
    ...shapes.map((shape, i) => bytesField(12, valueInfo(`y${i}`, shape))),
  ]);
  return Buffer.concat([varintField(1, 7), bytesField(7, graph), bytesField(8, varintField(2, 13))]);
}
