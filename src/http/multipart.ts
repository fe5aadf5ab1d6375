/** Forms with a picture: `multipart/form-data`. */
import { Busboy } from '@fastify/busboy';
import { VisageError } from '../errors.ts';

const LIMITS = {
  parts: 20,
  fields: 19,
  files: 1,
  fieldNameSize: 64,
  fieldSize: 4096,
  headerPairs: 16,
} as const;

/** A form's parts. */
export interface Form {
  /** Text fields by name, without a prototype. */
  readonly fields: Record<string, string>;
  /** The file part `image`; null if there is none. */
  readonly image: Buffer | null;
}

function invalid(path: string, message: string): VisageError {
  return new VisageError('VALIDATION_FAILED', 'The form is not valid.', [{ path, message }]);
}

/**
 * Takes a form apart.
 * @param contentType the header with the boundary.
 * @throws VisageError `VALIDATION_FAILED` for a broken form, a field given twice, a file of another name, too much of
 *   anything.
 */
export function parseForm(body: Buffer, contentType: string): Promise<Form> {
  return new Promise((resolve, reject) => {
    const fields: Record<string, string> = Object.create(null);
    const chunks: Buffer[] = [];
    let hasImage = false;
    const fail = (path: string, message: string) => reject(invalid(path, message));
    let parser: InstanceType<typeof Busboy>;
    try {
      parser = new Busboy({ headers: { 'content-type': contentType }, limits: LIMITS });
    } catch {
      fail('', 'must have a boundary');
      return;
    }
    parser.on('file', (name, stream) => {
      stream.on('error', () => fail('image', 'must be complete'));
      if (name === 'image') {
        hasImage = true;
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      } else {
        fail('image', 'must be the only file of the form');
        stream.resume();
      }
    });
    parser.on('field', (name, value, nameTruncated, valueTruncated) => {
      if (nameTruncated || valueTruncated) fail(name.slice(0, LIMITS.fieldNameSize), 'is too long');
      else if (name === 'image') fail('image', 'must be a file');
      else if (Object.hasOwn(fields, name)) fail(name, 'is given more than once');
      else fields[name] = value;
    });
    for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
      parser.on(limit, () => fail('', 'has too many parts'));
    }
    parser.on('error', () => fail('', 'must be a complete multipart form'));
    parser.on('finish', () => resolve({ fields, image: hasImage ? Buffer.concat(chunks) : null }));
    parser.end(body);
  });
}
