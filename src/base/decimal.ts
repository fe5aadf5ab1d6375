const MAX_LENGTH = 32;

const DECIMAL = /^-?\d+(?:\.\d+)?$/;

/** Accepts `80`, `-3` or `72.5`, but not blanks, `0x50`, `1e999` and `Infinity`, which `Number` accepts. */
export function parseDecimal(text: string): number | null {
  if (text.length > MAX_LENGTH || !DECIMAL.test(text)) return null;
  return Number(text) + 0;
}

/** Null outside the safe integer range. */
export function parseWhole(text: string): number | null {
  const value = parseDecimal(text);
  return value !== null && Number.isSafeInteger(value) && !text.includes('.') ? value : null;
}
