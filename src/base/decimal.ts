const MAX_LENGTH = 32;

const DECIMAL = /^-?\d+(?:\.\d+)?$/;

/**
 * Parses a plain decimal such as `80`, `-3` or `72.5`. `Number` would also accept blanks, `0x50`, `1e999` and
 * `Infinity`.
 * @returns null for any other text.
 */
export function parseDecimal(text: string): number | null {
  if (text.length > MAX_LENGTH || !DECIMAL.test(text)) return null;
  // -0 becomes 0.
  return Number(text) + 0;
}

/** Parses a whole number in the safe integer range. @returns null for any other text. */
export function parseWhole(text: string): number | null {
  const value = parseDecimal(text);
  return value !== null && Number.isSafeInteger(value) && !text.includes('.') ? value : null;
}
