/** Forms with pictures: `multipart/form-data`. */
import { Busboy } from '@fastify/busboy';
import { VisageError } from '../errors.ts';

const MAX_FIELDS = 19;
const LIMITS = { fieldNameSize: 64, fieldSize: 4096, headerPairs: 16 } as const;

/** What a form may hold beside fields that are given once. */
export interface FormLimits {
  /** File parts by name: how many of each there may be. */
  readonly files: Readonly<Record<string, number>>;
  /** Names of the text fields that may be given once for each file. */
  readonly repeated: readonly string[];
}

/** A form's parts by name, without a prototype. */
export interface FormParts {
  readonly fields: Record<string, string>;
  /** The repeated fields, in the order of the form. */
  readonly lists: Readonly<Record<string, readonly string[]>>;
  /** Views of the body, as far as the parser gives a file in one piece. */
  readonly files: Readonly<Record<string, readonly Buffer[]>>;
}

function invalid(path: string, message: string): VisageError {
  return new VisageError('VALIDATION_FAILED', 'The form is not valid.', [{ path, message }]);
}

/**
 * Takes a form apart.
 * @param contentType the header with the boundary.
 * @throws VisageError `VALIDATION_FAILED` for a broken form, a field given twice, a file of another name, too much of
 * anything.
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
    const fail = (path: string, message: string) => reject(invalid(path, message));
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
            names[0] ?? '',
            `must be the only file of the form: files have the name ${names.join(' or ')}`,
          );
        stream.resume();
      }
    });
    parser.on('field', (name, value, nameTruncated, valueTruncated) => {
      if (nameTruncated || valueTruncated) fail(name.slice(0, LIMITS.fieldNameSize), 'is too long');
      else if (Object.hasOwn(allowed, name)) fail(name, 'must be a file');
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
        own.map((chunks) => (chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))),
      ]);
      resolve({ fields, lists, files: Object.fromEntries(whole) as FormParts['files'] });
    });
    parser.end(body);
  });
}
