import { readFileSync, statSync } from 'node:fs';
import { EXIT, ExitError } from '../ops/exit-codes.ts';

const EXTERNAL_KEY = /^[\x21-\x7E]{1,512}$/;

export const EXTERNAL_KEY_RULE = '1 to 512 visible ASCII characters without spaces';

const MAX_BYTES = 64 * 1024 ** 2;

export function isExternalKey(name: string): boolean {
  return EXTERNAL_KEY.test(name);
}

/** macOS decomposes umlauts, other systems compose them. */
export function nameKey(name: string): string {
  return name.normalize('NFC');
}

interface Row {
  readonly line: number;
  readonly fields: readonly string[];
}

/** RFC 4180. */
function* rowsOf(text: string, separator: string): Generator<Row> {
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const begun = line;
    const fields: string[] = [];
    for (;;) {
      let field = '';
      if (text[at] === '"') {
        for (;;) {
          const end = text.indexOf('"', at + 1);
          if (end < 0) throw new Error(`line ${begun}: missing closing quote`);
          field += text.slice(at + 1, end);
          at = end + 1;
          if (text[at] !== '"') break;
          field += '"';
        }
      } else {
        const start = at;
        while (at < text.length && text[at] !== separator && text[at] !== '\n' && text[at] !== '\r') at++;
        field = text.slice(start, at);
        if (field.includes('"'))
          throw new Error(`line ${line}: expected quotes around the whole field, and inner quotes doubled`);
      }
      line += field.split('\n').length - 1;
      fields.push(field);
      if (text[at] !== separator) break;
      at++;
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    else if (at < text.length) throw new Error(`line ${line}: expected a comma or the end of the line`);
    line++;
    yield { line: begun, fields };
  }
}

/** Spreadsheets in some locales write semicolons. */
function separatorOf(text: string): string {
  const [first = ''] = text.split('\n', 1);
  return first.includes(';') && !first.includes(',') ? ';' : ',';
}

/** By `nameKey`. @throws Error with the line. */
export function parseNameMap(text: string): Map<string, string> {
  const map = new Map<string, string>();
  const lines = new Map<string, number>();
  for (const { line, fields } of rowsOf(text, separatorOf(text))) {
    const [name = '', key = ''] = fields;
    if (fields.length === 1 && name === '') continue;
    if (fields.length !== 2)
      throw new Error(`line ${line}: expected a name and an external key, got ${fields.length} fields`);
    if (line === 1 && /^external[ _-]?key$/i.test(key)) continue;
    if (name === '') throw new Error(`line ${line}: expected a name before the comma`);
    if (!isExternalKey(key)) {
      throw new Error(
        `line ${line}: expected an external key of ${EXTERNAL_KEY_RULE}, got ${JSON.stringify(key.slice(0, 80))}`,
      );
    }
    const before = lines.get(nameKey(name));
    if (before !== undefined) throw new Error(`line ${line}: duplicate of the name in line ${before}`);
    lines.set(nameKey(name), line);
    map.set(nameKey(name), key);
  }
  return map;
}

/** @throws ExitError `data` with the line and the expected content. */
export function readNameMap(file: string): Map<string, string> {
  const wrong = (why: string) => new ExitError(EXIT.data, `Map ${file}: ${why}.`);
  let bytes: Buffer;
  try {
    const stat = statSync(file);
    if (!stat.isFile()) throw wrong('expected a file');
    if (stat.size > MAX_BYTES) throw wrong(`expected at most ${MAX_BYTES} bytes, got ${stat.size}`);
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof ExitError) throw error;
    throw wrong(`cannot read the file (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    // Drops a byte order mark.
    return parseNameMap(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw wrong(
      error instanceof TypeError ? 'expected UTF-8: save the file as CSV UTF-8' : (error as Error).message,
    );
  }
}
