import { Busboy } from '@fastify/busboy';
import { Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';

const MAX_FIELDS = 19;
const LIMITS = { fieldNameSize: 64, fieldSize: 4096, headerPairs: 16 } as const;

export interface FormLimits {
  readonly files: Readonly<Record<string, number>>;
  /** May repeat, once per file. */
  readonly repeated: readonly string[];
}

export interface FormParts {
  readonly fields: Record<string, string>;
  readonly lists: Readonly<Record<string, readonly string[]>>;
  /** Views of the body; small files may be copies. */
  readonly files: Readonly<Record<string, readonly Buffer[]>>;
}

/** About a hundred parts of 20 µs each. */
const SLICE = 16 * 1024;

/** The parser copies slice ends that may begin a boundary. */
function wholeOf(chunks: readonly Buffer[], body: Buffer): Buffer {
  const isPart = ({ buffer, byteOffset }: Buffer) =>
    buffer === body.buffer && byteOffset >= body.byteOffset && byteOffset < body.byteOffset + body.length;
  let before = 0;
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  for (const chunk of chunks) {
    if (isPart(chunk)) {
      const start = chunk.byteOffset - body.byteOffset - before;
      return body.subarray(start, start + length);
    }
    before += chunk.length;
  }
  return Buffer.concat(chunks);
}

function invalid(path: string, message: string): VisageError {
  return new VisageError('VALIDATION_FAILED', `${path === '' ? 'The form' : path}: ${message}.`, [
    { path, message },
  ]);
}

/**
 * @param contentType contains the boundary.
 * @throws `VALIDATION_FAILED`.
 */
export function parseForm(
  body: Buffer,
  contentType: string,
  { files: allowed, repeated }: FormLimits,
): Promise<FormParts> {
  const most = Object.values(allowed).reduce((sum, count) => sum + count, 0);
  const maxFields = MAX_FIELDS + repeated.length * most;
  const limits = { ...LIMITS, files: most, fields: maxFields, parts: maxFields + most };
  return new Promise((resolve, reject) => {
    const fields: Record<string, string> = Object.create(null);
    const lists: Record<string, string[]> = Object.create(null);
    const files: Record<string, Buffer[][]> = Object.create(null);
    let failed = false;
    const fail = (path: string, message: string) => {
      failed = true;
      reject(invalid(path, message));
    };
    let parser: InstanceType<typeof Busboy>;
    try {
      parser = new Busboy({ headers: { 'content-type': contentType }, limits });
    } catch {
      fail('', 'must have a boundary');
      return;
    }
    parser.on('file', (name, stream) => {
      stream.on('error', () => fail(name, 'must be complete'));
      const own = files[name] ?? [];
      if (own.length < (Object.hasOwn(allowed, name) ? (allowed[name] ?? 0) : 0)) {
        const chunks: Buffer[] = [];
        files[name] = [...own, chunks];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      } else {
        const names = Object.keys(allowed);
        if (own.length > 0) fail(name, 'is given too often');
        else
          fail(
            name.slice(0, LIMITS.fieldNameSize),
            `is no file part of this call: expected ${names.join(' or ')}`,
          );
        stream.resume();
      }
    });
    parser.on('field', (name, value, nameTruncated, valueTruncated) => {
      if (nameTruncated || valueTruncated) fail(name.slice(0, LIMITS.fieldNameSize), 'is too long');
      else if (Object.hasOwn(allowed, name))
        fail(name, 'expected a file, got text: with curl write @ before the path');
      else if (repeated.includes(name)) lists[name] = [...(lists[name] ?? []), value];
      else if (Object.hasOwn(fields, name)) fail(name, 'is given more than once');
      else fields[name] = value;
    });
    for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
      parser.on(limit, () => fail('', 'has too many parts'));
    }
    parser.on('error', () => fail('', 'must be a complete multipart form'));
    parser.on('finish', () => {
      const whole = Object.entries(files).map(([name, own]) => [
        name,
        own.map((chunks) => wholeOf(chunks, body)),
      ]);
      resolve({ fields, lists, files: Object.fromEntries(whole) as FormParts['files'] });
    });
    const feed = async () => {
      const turn = new Turn();
      for (let at = 0; at < body.length && !failed; at += SLICE) {
        await new Promise((written) => parser.write(body.subarray(at, at + SLICE), written));
        if (turn.isOver) await turn.next();
      }
      if (!failed) parser.end();
    };
    void feed();
  });
}
