import { randomBytes } from 'node:crypto';

/** Crockford's base32: no I, L, O, U, and in the order of the characters' codes. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function base32(value: bigint, length: number): string {
  let text = '';
  for (let rest = value, i = 0; i < length; i++, rest >>= 5n) text = ALPHABET[Number(rest & 31n)] + text;
  return text;
}

/**
 * `prefix` and 26 characters laid out as a ULID: 48 bits of time, so that ids sort by time, and 80 random bits, so
 * that they cannot be guessed.
 * @param time milliseconds since 1970.
 */
export function newIdentifier(prefix: 'face_' | 'key_' | 'acc_' | 'mem_' | 'ses_', time: number): string {
  const random = BigInt(`0x${randomBytes(10).toString('hex')}`);
  return prefix + base32(BigInt(time), 10) + base32(random, 16);
}
