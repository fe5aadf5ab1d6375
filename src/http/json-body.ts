/**
 * `JSON.parse` would copy large base64 strings on the event loop. This module cuts them out in turns; native
 * threads decode them.
 */
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';

const MIN_CUT_BYTES = 8 * 1024;

export const MAX_REST_BYTES = 256 * 1024;

/** Parsing time grows with the number of values. Each further image adds MAX_VALUES_AN_IMAGE. */
export const MAX_VALUES = 2_000;
const MAX_VALUES_AN_IMAGE = 64;

const WINDOW = 4 * 1024 * 1024;

const MAX_BACKSLASHES = 64 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const OPENING_BRACE = 0x7b;

/** Random, so that no body can contain it. */
const PLACEHOLDER = `cut-${randomBytes(16).toString('hex')}-`;

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

function notJson(got?: string): VisageError {
  const message = `expected JSON in UTF-8${got ? `, got ${got}` : ''}`;
  return new VisageError('VALIDATION_FAILED', `The body: ${message}.`, [{ path: '', message }]);
}

function isUtf16(body: Buffer): boolean {
  const first = body.length < 2 ? 0 : body.readUInt16BE();
  return first === 0xfeff || first === 0xfffe || (body.length >= 2 && (body[0] === 0) !== (body[1] === 0));
}

function tooLarge(most: string): VisageError {
  return new VisageError('PAYLOAD_TOO_LARGE', `Beside the images the body may hold at most ${most}.`);
}

function isEscaped(body: Buffer, at: number, start: number): boolean {
  const least = Math.max(start, at - MAX_BACKSLASHES);
  let first = at;
  while (first > least && body[first - 1] === BACKSLASH) first--;
  if (at - first === MAX_BACKSLASHES) throw notJson();
  return (at - first) % 2 === 1;
}

function isKey(body: Buffer, afterString: number): boolean {
  let at = afterString;
  while (body[at] === 0x20 || body[at] === 0x09 || body[at] === 0x0a || body[at] === 0x0d) at++;
  return body[at] === COLON;
}

/** Upper bound for the values between two strings; may be one too low. */
function valuesBetween(body: Buffer, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) {
    const byte = body[at];
    if (byte === COMMA || byte === OPENING_BRACKET || byte === OPENING_BRACE) count++;
  }
  return count;
}

export interface CutBody {
  readonly rest: Buffer;
  /** Still escaped; views of the body. */
  readonly cuts: ReadonlyMap<string, Buffer>;
}

export interface RestLimits {
  readonly minCut: number;
  readonly bytes: number;
  readonly values: number;
}

/**
 * Does not validate strings. Leaves keys and invalid JSON unchanged.
 * @throws `PAYLOAD_TOO_LARGE`
 */
export async function cutLongStrings(body: Buffer, { minCut, bytes, values }: RestLimits): Promise<CutBody> {
  const turn = new Turn();
  const cuts = new Map<string, Buffer>();
  const pieces: Buffer[] = [];
  let kept = 0;
  let cutBytes = 0;
  let count = 0;
  let start = 0;
  let ended = 0;
  const bound = (end: number) => {
    if (end - cutBytes > bytes) throw tooLarge(`${bytes} bytes`);
    if (start !== 0) return;
    count += valuesBetween(body, ended, end);
    if (count > values) throw tooLarge(`${values} values`);
  };
  for (let from = 0; from < body.length; from += WINDOW) {
    const seen = body.subarray(0, from + WINDOW);
    for (let at = seen.indexOf(QUOTE, from); at >= 0; at = seen.indexOf(QUOTE, at + 1)) {
      if (turn.isOver) await turn.next();
      if (start === 0) {
        bound(at);
        start = at + 1;
      } else if (isEscaped(body, at, start)) {
        bound(at);
      } else {
        if (at - start >= minCut && !isKey(body, at + 1)) {
          const name = `${PLACEHOLDER}${cuts.size}`;
          pieces.push(body.subarray(kept, start), Buffer.from(name));
          cuts.set(name, body.subarray(start, at));
          cutBytes += at - start;
          kept = at;
        }
        start = 0;
        ended = at + 1;
      }
    }
    if (turn.isOver) await turn.next();
  }
  bound(body.length);
  pieces.push(body.subarray(kept));
  return { rest: cuts.size === 0 ? body : Buffer.concat(pieces), cuts };
}

/**
 * For small bodies, also after a byte order mark.
 * @throws `VALIDATION_FAILED`
 */
export function parseJson(body: Buffer): unknown {
  if (isUtf16(body)) throw notJson('UTF-16');
  if (!isUtf8(body)) throw notJson();
  const isMarked = body.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  try {
    return JSON.parse(body.toString('utf8', isMarked ? BYTE_ORDER_MARK.length : 0));
  } catch {
    throw notJson();
  }
}

export interface ImageJson {
  readonly value: unknown;
  /** A view of the body keeps JSON's escapes. */
  readonly textOf: (bytes: string) => Uint8Array;
  /**
   * Call after validation.
   * @throws `VALIDATION_FAILED` for long strings outside `images`.
   */
  readonly checkPlaces: (value: unknown, images: ReadonlySet<unknown>) => void;
}

function placeOf(
  value: unknown,
  names: ReadonlyMap<string, Buffer>,
  images: ReadonlySet<unknown>,
  path = '',
): { readonly path: string; readonly name: string } | null {
  if (typeof value === 'string') return names.has(value) ? { path, name: value } : null;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, item] of Object.entries(value)) {
    if (key === 'bytes' && images.has(value)) continue;
    const found = placeOf(item, names, images, `${path}/${key}`);
    if (found) return found;
  }
  return null;
}

/**
 * @param most images.
 * @throws `VALIDATION_FAILED`, `PAYLOAD_TOO_LARGE`.
 */
export async function parseImageJson(body: Buffer, most: number): Promise<ImageJson> {
  const { rest, cuts } = await cutLongStrings(body, {
    minCut: MIN_CUT_BYTES,
    bytes: MAX_REST_BYTES + (most - 1) * MIN_CUT_BYTES,
    values: MAX_VALUES + (most - 1) * MAX_VALUES_AN_IMAGE,
  });
  return {
    value: parseJson(rest),
    textOf: (bytes) => cuts.get(bytes) ?? Buffer.from(bytes),
    checkPlaces: (value, images) => {
      const found = placeOf(value, cuts, images);
      if (!found) return;
      const { path, name } = found;
      const message = `expected text of fewer than ${MIN_CUT_BYTES} bytes, got ${cuts.get(name)?.length}`;
      throw new VisageError('VALIDATION_FAILED', `${path}: ${message}.`, [{ path, message }]);
    },
  };
}
