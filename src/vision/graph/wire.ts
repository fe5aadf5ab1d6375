/**
 * The wire format of Protocol Buffers (protobuf.dev/programming-guides/encoding): messages to fields and back. It knows
 * no schema, so a field that nobody asks for keeps its bytes.
 */

/** What stands for a field's value: a number of up to 64 bits, eight or four bytes, or bytes with their length. */
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A varint of 64 bits has at most ten bytes. */
const MAX_VARINT_BYTES = 10;

/** One field of a message. Its arrays are views of the message's bytes. */
export interface Field {
  /** 1..2^29 - 1. */
  readonly number: number;
  /** The value of a varint, as an unsigned number of 64 bits; 0 for the other types. */
  readonly varint: bigint;
  /** The value of a field of bytes (a string, a message, a packed list) or of fixed size; empty for a varint. */
  readonly content: Uint8Array;
  /** Whether `content` is of bytes with a length, and not of fixed size. */
  readonly isBytes: boolean;
  /** The whole field with its tag. */
  readonly bytes: Uint8Array;
}

/** The fields of a message in their order. @throws Error with one sentence where the bytes are no message. */
export function readFields(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < message.length; ) {
    const start = at;
    const tag = readVarint(message, at);
    const number = Number(tag.value >> 3n);
    if (number < 1 || number >= 2 ** 29) throw new Error(`There is no field with the number ${number}.`);
    let varint = 0n;
    let begin = tag.end;
    const type = Number(tag.value & 7n);
    switch (type) {
      case WIRE.varint:
        ({ value: varint, end: at } = readVarint(message, begin));
        begin = at;
        break;
      case WIRE.fixed64:
        at = begin + 8;
        break;
      case WIRE.fixed32:
        at = begin + 4;
        break;
      case WIRE.bytes: {
        const length = readVarint(message, begin);
        begin = length.end;
        at = begin + Number(length.value);
        break;
      }
      default:
        throw new Error(`Field ${number} has the wire type ${type}, which is not supported.`);
    }
    if (at > message.length) throw new Error(`Field ${number} is longer than what is left of its message.`);
    const isBytes = type === WIRE.bytes;
    const content = message.subarray(begin, at);
    fields.push({ number, varint, content, isBytes, bytes: message.subarray(start, at) });
  }
  return fields;
}

/** The numbers of a packed list of varints. @throws Error where the last one has no end. */
export function readVarints(list: Uint8Array): bigint[] {
  const values: bigint[] = [];
  for (let at = 0; at < list.length; ) {
    const { value, end } = readVarint(list, at);
    values.push(value);
    at = end;
  }
  return values;
}

function readVarint(message: Uint8Array, start: number): { value: bigint; end: number } {
  let value = 0n;
  for (let i = 0; i < MAX_VARINT_BYTES; i++) {
    const byte = message[start + i];
    if (byte === undefined) break;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: start + i + 1 };
  }
  throw new Error('A number of the message has no end.');
}

/** @param value a whole number, 0 or more. */
function varintBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

/** A field of a whole number, 0..2^53 - 1. */
export function varintField(number: number, value: number): Uint8Array {
  return Buffer.concat([varintBytes(number * 8 + WIRE.varint), varintBytes(value)]);
}

/** A field of bytes; a string is written in UTF-8. */
export function bytesField(number: number, content: Uint8Array | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
  return Buffer.concat([varintBytes(number * 8 + WIRE.bytes), varintBytes(bytes.length), bytes]);
}
