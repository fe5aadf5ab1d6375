/**
 * JSON with a large base64 string in it. `JSON.parse` would copy megabytes into a JavaScript string, on the one thread
 * that serves everybody, and decoding it would copy them again. So long strings are cut out of the bytes first, the
 * small rest is parsed, and the picture's slice goes to the pipeline's threads as it came.
 */
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { VisageError } from '../errors.ts';

/** Strings of fewer bytes stay where they are. */
export const MIN_CUT_BYTES = 8 * 1024;

/** What may be left of a body when its long strings are cut out. */
export const MAX_REST_BYTES = 256 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SLASH = 0x2f;
const COLON = 0x3a;

/** Stands in for a cut string; random, so that no body can hold one of its own. */
const PLACEHOLDER = `cut-${randomBytes(16).toString('hex')}-`;

function notJson(): VisageError {
  return new VisageError('VALIDATION_FAILED', 'The body is not JSON.', [
    { path: '', message: 'must be JSON' },
  ]);
}

/** Whether the quote at `at` is a character of the string that begins at `start`. */
function isEscaped(body: Buffer, at: number, start: number): boolean {
  let first = at;
  while (first > start && body[first - 1] === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}

function isKey(body: Buffer, afterString: number): boolean {
  let at = afterString;
  while (body[at] === 0x20 || body[at] === 0x09 || body[at] === 0x0a || body[at] === 0x0d) at++;
  return body[at] === COLON;
}

/** A body in two parts. */
export interface CutBody {
  /** The JSON text with a placeholder for each long string. */
  readonly rest: Buffer;
  /** By placeholder: the bytes between the quotes, still escaped; views of the body. */
  readonly cuts: ReadonlyMap<string, Buffer>;
}

/**
 * Cuts the long strings out of a JSON text. Text that is not JSON comes out as something that is not JSON either,
 * but what stands inside a cut string is not looked at. Keys are left in.
 * @param minCut least bytes of a string that is cut.
 * @param maxRest bytes that may be left.
 * @throws VisageError `PAYLOAD_TOO_LARGE` as soon as more than `maxRest` is left.
 */
export function cutLongStrings(body: Buffer, minCut = MIN_CUT_BYTES, maxRest = MAX_REST_BYTES): CutBody {
  const cuts = new Map<string, Buffer>();
  const pieces: Buffer[] = [];
  let kept = 0;
  let cutBytes = 0;
  let start = 0;
  const bound = (end: number) => {
    if (end - cutBytes > maxRest) {
      throw new VisageError(
        'PAYLOAD_TOO_LARGE',
        `Beside the image the body may have at most ${maxRest} bytes.`,
      );
    }
  };
  // `start` is 0 outside of a string, else the place of its first character.
  for (let at = body.indexOf(QUOTE); at >= 0; at = body.indexOf(QUOTE, at + 1)) {
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
    }
  }
  bound(body.length);
  pieces.push(body.subarray(kept));
  return { rest: cuts.size === 0 ? body : Buffer.concat(pieces), cuts };
}

/** Parses a small JSON text. @throws VisageError `VALIDATION_FAILED` if it is not JSON in UTF-8. */
export function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw notJson();
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw notJson();
  }
}

/** Whether a string's only escapes are `\/`, which the pipeline's base64 decoder knows. */
function isPlain(text: Buffer): boolean {
  for (let at = text.indexOf(BACKSLASH); at >= 0; at = text.indexOf(BACKSLASH, at + 1)) {
    if (text[at + 1] !== SLASH) return false;
  }
  return true;
}

function bytesField(image: unknown): unknown {
  return typeof image === 'object' && image !== null && Object.hasOwn(image, 'bytes')
    ? (image as { bytes: unknown }).bytes
    : undefined;
}

/** A body with pictures in it. */
export interface ImageJson {
  /** The JSON, in which each picture's `bytes` is some string. */
  readonly value: unknown;
  /** The text in base64 that such a string stands for: a view of the body where it is long. */
  readonly textOf: (bytes: string) => Uint8Array;
}

/**
 * Parses a body that may hold pictures in objects with `bytes`.
 * @param imagesOf finds those objects in the JSON.
 * @param most pictures that there may be.
 * @throws VisageError `VALIDATION_FAILED`, `PAYLOAD_TOO_LARGE`.
 */
export function parseImageJson(
  body: Buffer,
  imagesOf: (value: unknown) => readonly unknown[],
  most: number,
): ImageJson {
  // A picture that is too short to be cut out stays in the rest.
  const { rest, cuts } = cutLongStrings(body, MIN_CUT_BYTES, MAX_REST_BYTES + (most - 1) * MIN_CUT_BYTES);
  const value = parseJson(rest);
  const cutPictures = imagesOf(value).filter((image) => {
    const text = bytesField(image);
    return typeof text === 'string' && cuts.has(text);
  });
  // Whatever else was cut out is put back: a schema is going to look at it.
  if (cutPictures.length === cuts.size && [...cuts.values()].every(isPlain)) {
    return { value, textOf: (bytes) => cuts.get(bytes) ?? Buffer.from(bytes) };
  }
  return { value: parseJson(body), textOf: (bytes) => Buffer.from(bytes) };
}
