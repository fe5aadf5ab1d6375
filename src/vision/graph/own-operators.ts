/** Operators of our own (`native/runtime/operators.h`) in models. */
import { nodeMessage } from './onnx.ts';
import { bytesField, varintField } from './wire.ts';

const DOMAIN = 'visage';
const MODEL_OPERATOR_SET = 8;
const OPERATOR_SET = { domain: 1, version: 2 } as const;

/** The message of a node, of which a graph has one at most. @param attributes as their messages. */
export function ownNode(
  opType: 'Segment' | 'Columns',
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Uint8Array[],
): Uint8Array {
  return nodeMessage(`visage_${opType}`, opType, inputs, outputs, attributes, DOMAIN);
}

/** A model that may have such nodes. @param fields of the model. */
export function withOwnOperators(fields: readonly Uint8Array[]): Uint8Array {
  const set = bytesField(
    MODEL_OPERATOR_SET,
    Buffer.concat([bytesField(OPERATOR_SET.domain, DOMAIN), varintField(OPERATOR_SET.version, 1)]),
  );
  return Buffer.concat(fields.some((field) => set.equals(field)) ? fields : [...fields, set]);
}
