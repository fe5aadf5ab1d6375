/** What a request says its body is. */
import type { IncomingHttpHeaders } from 'node:http';
import { MIMEType } from 'node:util';
import { VisageError } from '../errors.ts';

/** How a body is written. */
export type BodyForm = 'json' | 'multipart' | 'raw';

function formOf(type: MIMEType): BodyForm | null {
  if (type.essence === 'application/json') return 'json';
  if (type.essence === 'multipart/form-data') return 'multipart';
  if (type.type === 'image' || type.essence === 'application/octet-stream') return 'raw';
  return null;
}

/**
 * The form of a body by its headers.
 * @param accepted the forms that the route takes.
 * @throws VisageError `UNSUPPORTED_MEDIA_TYPE` for any other, for a compressed body, and for a charset but UTF-8.
 */
export function bodyForm(headers: IncomingHttpHeaders, accepted: readonly BodyForm[]): BodyForm {
  const unsupported = (detail: string) => new VisageError('UNSUPPORTED_MEDIA_TYPE', detail);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw unsupported('A compressed body (Content-Encoding) is not taken.');
  }
  let type: MIMEType;
  try {
    type = new MIMEType(headers['content-type'] ?? '');
  } catch {
    throw unsupported('The Content-Type is missing or not a media type.');
  }
  const charset = type.params.get('charset');
  if (charset !== null && !/^utf-?8$/i.test(charset)) throw unsupported('The only charset is utf-8.');
  const form = formOf(type);
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
