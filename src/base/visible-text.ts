/** Combining marks per letter; more would cover nearby lines. */
const MARKS = 4;

/** Control and invisible characters, lone surrogates, excess combining marks. */
const UNSAFE = new RegExp(
  `[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}]|(?<=\\p{M}{${MARKS}})\\p{M}`,
  'gu',
);
const UNSAFE_IN_LINE = new RegExp(`(?!\\n)(?:${UNSAFE.source})`, 'gu');

function escaped(characters: string): string {
  return Array.from(
    { length: characters.length },
    (_, at) => `\\u${characters.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
}

export function visible(text: string): string {
  return text.replaceAll(UNSAFE, escaped);
}

export function visibleLines(text: string): string {
  return text.replaceAll(UNSAFE_IN_LINE, escaped);
}
