import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { freeBatch, isOfAnySize } from '../../../src/vision/graph/batch.ts';
import { nodeMessage } from '../../../src/vision/graph/onnx.ts';
import { bytesField, varintField } from '../../../src/vision/graph/wire.ts';
import { ROOT } from '../../../testing/service.ts';
import { modelBytes, type SmallModel } from '../../../testing/small-model.ts';

const INT64 = 7;

function wholeNumbers(name: string, values: readonly number[], kind: 'raw' | 'packed'): Uint8Array {
  const raw = Buffer.alloc(8 * values.length);
  for (const [i, value] of values.entries()) raw.writeBigInt64LE(BigInt(value), 8 * i);
  const packed = Buffer.from(values);
  return Buffer.concat([
    varintField(1, values.length),
    varintField(2, INT64),
    bytesField(8, name),
    kind === 'raw' ? bytesField(9, raw) : bytesField(7, packed),
  ]);
}

const reshape: SmallModel = {
  nodes: [nodeMessage('r', 'Reshape', ['x', 's'], 'y')],
  initializers: [wholeNumbers('s', [1, 12], 'raw')],
  input: [1, 3, 2, 2],
  output: [1, 12],
};

/** How many bytes of two files are not the same; they must be of one length. */
function changes(a: Uint8Array, b: Uint8Array | null): number {
  assert.equal(b?.length, a.length);
  return a.reduce((sum, byte, i) => sum + Number(byte !== b?.[i]), 0);
}

describe('The batch of a network', () => {
  test('is freed in the input, the output and the shape of a Reshape, and nothing else is touched', () => {
    const bytes = modelBytes(reshape);
    const before = Uint8Array.from(bytes);
    assert.equal(changes(bytes, freeBatch(bytes)), 5);
    assert.deepEqual(Uint8Array.from(bytes), before, 'what was given stays as it was');
    const packed = { ...reshape, initializers: [wholeNumbers('s', [1, 12], 'packed')] };
    assert.equal(changes(modelBytes(packed), freeBatch(modelBytes(packed))), 5);
    const other = { ...reshape, initializers: [wholeNumbers('s', [4, 3], 'raw')] };
    assert.equal(changes(modelBytes(other), freeBatch(modelBytes(other))), 4);
  });

  test('is freed in a shape that is a node', () => {
    const value = bytesField(
      5,
      Buffer.concat([bytesField(1, 'value'), bytesField(5, wholeNumbers('', [1, 12], 'raw'))]),
    );
    const constant = Buffer.concat([nodeMessage('c', 'Constant', [], 's'), value]);
    const bytes = modelBytes({ ...reshape, nodes: [constant, ...reshape.nodes], initializers: [] });
    assert.equal(changes(bytes, freeBatch(bytes)), 5);
  });

  test('is left where it is free already, or more than one', () => {
    const freed = freeBatch(modelBytes(reshape));
    assert.ok(freed);
    assert.equal(freeBatch(freed), null);
    assert.equal(freeBatch(modelBytes({ ...reshape, input: [2, 3, 2, 2] })), null);
    assert.throws(() => freeBatch(Buffer.from('no network')));
  });
});

test('a network of any size is told from one of a fixed size', () => {
  assert.equal(isOfAnySize(modelBytes(reshape)), false);
  assert.equal(isOfAnySize(readFileSync(join(ROOT, 'models/faceplugin/fr_detect.onnx'))), false);
  assert.equal(isOfAnySize(readFileSync(join(ROOT, 'models/yunet/yunet_n.onnx'))), true);
});
