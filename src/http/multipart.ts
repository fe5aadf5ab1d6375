import { isUtf8 } from 'node:buffer';
import { Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import type { ImageEncoding } from '../native/pipeline.ts';

const MAX_FIELDS = 19;
const MAX_NAME = 64;
const MAX_VALUE_BYTES = 4096;
const MAX_HEAD_BYTES = 4096;
const MAX_FALSE_DELIMITERS = 1000;
const MAX_PADDING = 64;

const WINDOW = 1024 * 1024;
const TEXT_SAMPLE = 512;

const NEW_LINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

export interface FormLimits {
  readonly files: Readonly<Record<string, number>>;
  readonly repeated: readonly string[];
}

export interface FormFile {
  /** A view of the body. */
  readonly data: Buffer;
  readonly encoding: ImageEncoding;
}

export interface FormParts {
  readonly fields: Record<string, string>;
  readonly lists: Readonly<Record<string, readonly string[]>>;
  readonly files: Readonly<Record<string, readonly FormFile[]>>;
}

interface Part {
  readonly name: string;
  readonly filename: string | undefined;
  readonly type: string;
  readonly encoding: ImageEncoding;
  readonly content: Buffer;
}

function invalid(path: string, message: string): VisageError {
  return new VisageError('VALIDATION_FAILED', `${path === '' ? 'The form' : path}: ${message}.`, [
    { path, message },
  ]);
}

/** Some programs omit quotes, or the closing one. */
function parametersOf(header: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', quoted, plain = ''] of header.matchAll(
    /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))/g,
  )) {
    const key = name.toLowerCase();
    if (!found.has(key)) found.set(key, quoted?.replace(/\\(["\\])/g, '$1') ?? plain.trim());
  }
  return found;
}

function headersOf(head: string): ReadonlyMap<string, string> {
  const lines = head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  return new Map(
    lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]];
    }),
  );
}

/** Permits an empty part without the line break before its boundary. Null for too long a head. */
function splitPart(bytes: Buffer): { readonly head: Buffer; readonly content: Buffer } | null {
  const start = bytes.subarray(0, MAX_HEAD_BYTES);
  const blanks = ['\n\r\n', '\n\n']
    .map((text) => ({ at: start.indexOf(text), end: start.indexOf(text) + text.length }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at);
  const [blank] = blanks;
  if (blank) return { head: bytes.subarray(0, blank.at), content: bytes.subarray(blank.end) };
  return bytes.length < MAX_HEAD_BYTES ? { head: bytes, content: bytes.subarray(bytes.length) } : null;
}

function readPart(bytes: Buffer): Part {
  const split = splitPart(bytes);
  if (!split) throw invalid('', `must have parts with a head of at most ${MAX_HEAD_BYTES} bytes`);
  const headers = headersOf(split.head.toString());
  const disposition = headers.get('content-disposition') ?? '';
  const parameters = parametersOf(disposition);
  const name = parameters.get('name');
  if (!/^form-data\s*(?:;|$)/i.test(disposition) || name === undefined) {
    throw invalid('', 'has a part without Content-Disposition: form-data and a name');
  }
  const [type = ''] = (headers.get('content-type') ?? '').toLowerCase().split(';');
  return {
    name,
    filename: parameters.get('filename') ?? parameters.get('filename*'),
    type: type.trim(),
    encoding: headers.get('content-transfer-encoding')?.toLowerCase() === 'base64' ? 'base64' : 'binary',
    content: split.content,
  };
}

interface Delimiter {
  readonly start: number;
  readonly end: number;
  readonly isLast: boolean;
  readonly lineBreak: '\r\n' | '\n';
}

/** RFC 2046, section 5.1.1; line breaks may be LF alone in the whole form. */
class DelimiterFinder {
  readonly #body: Buffer;
  readonly #boundary: string;
  readonly #turn = new Turn();
  #false = 0;

  constructor(body: Buffer, boundary: string) {
    this.#body = body;
    this.#boundary = boundary;
  }

  async first(): Promise<Delimiter> {
    const begin = `--${this.#boundary}`;
    const atStart =
      this.#body.subarray(0, begin.length).equals(Buffer.from(begin, 'latin1')) &&
      this.#read(0, begin.length);
    return atStart || this.next(0, '\n');
  }

  async next(from: number, lineBreak: Delimiter['lineBreak']): Promise<Delimiter> {
    const mark = Buffer.from(`${lineBreak}--${this.#boundary}`, 'latin1');
    for (let at = from; at < this.#body.length; ) {
      const found = this.#body.subarray(at, at + WINDOW + mark.length - 1).indexOf(mark);
      if (found >= 0) {
        const delimiter = this.#read(at + found, at + found + mark.length);
        if (delimiter) return delimiter;
        if (++this.#false > MAX_FALSE_DELIMITERS)
          throw invalid('', 'must not hold its boundary in its parts');
      }
      at += found < 0 ? WINDOW : found + 1;
      if (this.#turn.isOver) await this.#turn.next();
    }
    throw invalid('', 'must be a complete multipart form');
  }

  /** @param after the boundary. @returns null if the line goes on. */
  #read(start: number, after: number): Delimiter | null {
    const body = this.#body;
    if (body.toString('latin1', after, after + 2) === '--') {
      return { start, end: after + 2, isLast: true, lineBreak: '\n' };
    }
    let at = after;
    while (at < after + MAX_PADDING && (body[at] === SPACE || body[at] === TAB)) at++;
    if (body[at] === NEW_LINE) return { start, end: at + 1, isLast: false, lineBreak: '\n' };
    if (body[at] !== RETURN || body[at + 1] !== NEW_LINE) return null;
    return { start, end: at + 2, isLast: false, lineBreak: '\r\n' };
  }
}

function isFile({ filename, type, encoding, content }: Part, isAllowed: boolean): boolean {
  if (filename !== undefined || type === 'application/octet-stream') return true;
  if (!isAllowed) return false;
  if (encoding === 'base64' || (type !== '' && !type.startsWith('text/'))) return true;
  const sample = content.subarray(0, TEXT_SAMPLE);
  return sample.includes(0) || !isUtf8(sample);
}

/** @throws `VALIDATION_FAILED`. */
export async function parseForm(
  body: Buffer,
  contentType: string,
  { files: allowed, repeated }: FormLimits,
): Promise<FormParts> {
  const boundary = parametersOf(contentType).get('boundary') ?? '';
  if (boundary === '') throw invalid('', 'must have a boundary');
  const maxFiles = Object.values(allowed).reduce((sum, count) => sum + count, 0);
  const maxParts = MAX_FIELDS + repeated.length * maxFiles + maxFiles;

  const fields: Record<string, string> = Object.create(null);
  const lists: Record<string, string[]> = Object.create(null);
  const files: Record<string, FormFile[]> = Object.create(null);
  const addFile = ({ name, filename, encoding, content }: Part) => {
    if (filename === '' && content.length === 0) return;
    const most = Object.hasOwn(allowed, name) ? (allowed[name] ?? 0) : 0;
    if (most === 0) {
      throw invalid(name, `is no file part of this call: expected ${Object.keys(allowed).join(' or ')}`);
    }
    files[name] ??= [];
    if (files[name].length === most) throw invalid(name, 'is given too often');
    files[name].push({ data: content, encoding });
  };
  const addField = ({ name, encoding, content }: Part) => {
    if (Object.hasOwn(allowed, name)) {
      throw invalid(name, 'expected a file, got text: with curl write @ before the path');
    }
    if (content.length > MAX_VALUE_BYTES) throw invalid(name, 'is too long');
    const text = content.toString(encoding === 'base64' ? 'latin1' : 'utf8');
    const value = encoding === 'base64' ? Buffer.from(text, 'base64').toString() : text;
    if (repeated.includes(name)) lists[name] = [...(lists[name] ?? []), value];
    else if (Object.hasOwn(fields, name)) throw invalid(name, 'is given more than once');
    else fields[name] = value;
  };

  const finder = new DelimiterFinder(body, boundary);
  let delimiter = await finder.first();
  for (let count = 1; !delimiter.isLast; count++) {
    if (count > maxParts) throw invalid('', 'has too many parts');
    const next = await finder.next(delimiter.end, delimiter.lineBreak);
    const part = readPart(body.subarray(delimiter.end, next.start));
    if (part.name.length > MAX_NAME) throw invalid(part.name.slice(0, MAX_NAME), 'is too long');
    if (isFile(part, Object.hasOwn(allowed, part.name))) addFile(part);
    else addField(part);
    delimiter = next;
  }
  return { fields, lists, files };
}
