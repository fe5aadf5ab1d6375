import type { IncomingHttpHeaders } from 'node:http';
import { MIMEType } from 'node:util';
import { VisageError } from '../errors.ts';

export type BodyForm = 'json' | 'multipart' | 'raw';

/** Node parses the header in quadratic time. */
const MAX_LENGTH = 256;

function formOf(type: MIMEType): BodyForm | null {
  if (type.essence === 'application/json') return 'json';
  if (type.essence === 'multipart/form-data') return 'multipart';
  if (type.type === 'image' || type.essence === 'application/octet-stream') return 'raw';
  return null;
}

/** @throws `UNSUPPORTED_MEDIA_TYPE`, also for compression, and text other than UTF-8. */
export function bodyForm(headers: IncomingHttpHeaders, accepted: readonly BodyForm[]): BodyForm {
  const unsupported = (detail: string) => new VisageError('UNSUPPORTED_MEDIA_TYPE', detail);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw unsupported('A compressed body (Content-Encoding) is not taken.');
  }
  const text = headers['content-type'] ?? '';
  if (text.length > MAX_LENGTH) {
    throw unsupported(`The Content-Type may have at most ${MAX_LENGTH} characters, got ${text.length}.`);
  }
  let type: MIMEType;
  try {
    type = new MIMEType(text);
  } catch {
    throw unsupported('The Content-Type is missing or not a media type.');
  }
  const form = formOf(type);
  const charset = type.params.get('charset');
  if (form !== 'raw' && charset !== null && !/^utf-?8$/i.test(charset)) {
    throw unsupported(`The charset must be utf-8, got ${charset}.`);
  }
  if (form === null || !accepted.includes(form)) {
    const names = {
      json: 'application/json',
      multipart: 'multipart/form-data',
      raw: 'image/* or application/octet-stream',
    };
    throw unsupported(`The Content-Type must be ${accepted.map((name) => names[name]).join(', ')}.`);
  }
  return form;
}
