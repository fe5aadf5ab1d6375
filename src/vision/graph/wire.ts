/** Protocol Buffers wire format (protobuf.dev/programming-guides/encoding); unread fields keep their bytes. */

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const MAX_VARINT_BYTES = 10;

/** Arrays are views of the message. */
export interface Field {
  /** 1..2^29 - 1. */
  readonly number: number;
  /** Unsigned; 0 for other types. */
  readonly varint: bigint;
  readonly content: Uint8Array;
  readonly isBytes: boolean;
  readonly bytes: Uint8Array;
}

/** @throws Error for invalid bytes. */
export function readFields(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < message.length; ) {
    const start = at;
    const tag = readVarint(message, at);
    const number = Number(tag.value >> 3n);
    if (number < 1 || number >= 2 ** 29)
      throw new Error(`Field number ${number} is invalid: expected 1 to 2^29 - 1.`);
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
        throw new Error(`Field ${number} has the unsupported wire type ${type}.`);
    }
    if (at > message.length) throw new Error(`Field ${number} exceeds its message.`);
    const isBytes = type === WIRE.bytes;
    const content = message.subarray(begin, at);
    fields.push({ number, varint, content, isBytes, bytes: message.subarray(start, at) });
  }
  return fields;
}

/** @throws Error if the last varint is truncated. */
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
  throw new Error('A varint of the message has no end.');
}

function varintBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

/** @param value 0..2^53 - 1. */
export function varintField(number: number, value: number): Uint8Array {
  return Buffer.concat([varintBytes(number * 8 + WIRE.varint), varintBytes(value)]);
}

export function bytesField(number: number, content: Uint8Array | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
  return Buffer.concat([varintBytes(number * 8 + WIRE.bytes), varintBytes(bytes.length), bytes]);
}
