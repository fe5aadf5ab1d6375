/** A picture and its parameters, in each of the three forms. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { VisageError } from '../errors.ts';
import { readBody } from './body.ts';
import type { ImageFetcher } from './image-fetch.ts';
import { parseImageJson } from './json-body.ts';
import { type BodyForm, bodyForm } from './media-type.ts';
import { parseForm } from './multipart.ts';
import type { ImageInput, Schema } from './route.ts';
import { compile, queryParameters, type Validator } from './validation.ts';

/** Bytes of a body: 10 MB of picture as base64 with room for the rest, and 10 MB as they are. */
const MAX_BYTES: Readonly<Record<BodyForm, number>> = {
  json: 14_000_000,
  multipart: 10_100_000,
  raw: 10_100_000,
};

const FORMS = ['json', 'multipart', 'raw'] as const;

/** `image` of a JSON body. That it holds exactly one of both is checked after the schema, for a better message. */
export const IMAGE_SCHEMA: Schema = {
  type: 'object',
  additionalProperties: false,
  description: 'Exactly one of `bytes` and `url`; null counts as absent.',
  properties: {
    bytes: {
      type: ['string', 'null'],
      minLength: 1,
      description:
        'JPEG, PNG, WebP, BMP or GIF in base64, standard or URL-safe; a `data:` prefix is tolerated. At most 10 MB decoded.',
    },
    url: {
      type: ['string', 'null'],
      maxLength: 2048,
      description:
        'http or https, to an address of the public internet. Where the service does not fetch pictures, as by default, the answer is `IMAGE_URL_FORBIDDEN`.',
    },
  },
};

/** The JSON body of an image route: its parameters and `image`. */
export function imageBodySchema(body: Schema): Schema {
  return {
    ...body,
    properties: { image: IMAGE_SCHEMA, ...(body.properties as object | undefined) },
    required: ['image', ...((body.required as readonly string[] | undefined) ?? [])],
  };
}

/** What an image route is asked. */
export interface ImageIntake {
  readonly body: Record<string, unknown>;
  readonly image: ImageInput;
}

/** Reads the requests of one image route. */
export type ImageReader = (
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
  accountId: string,
) => Promise<ImageIntake>;

function invalidImage(detail: string): VisageError {
  return new VisageError('VALIDATION_FAILED', detail, [{ path: '/image', message: detail }]);
}

/**
 * @param fetchImage null where pictures are not fetched.
 * @param accountId on whose behalf.
 */
async function fromJson(
  raw: Buffer,
  validate: Validator,
  fetchImage: ImageFetcher | null,
  accountId: string,
): Promise<ImageIntake> {
  const { value, bytes } = parseImageJson(raw);
  const { image, ...body } = validate(value) as { image: { url?: string | null } } & Record<string, unknown>;
  const url = image.url ?? null;
  if (url !== null && bytes !== null) {
    throw invalidImage('image holds both bytes and url, but takes one of them.');
  }
  if (url === null && bytes === null) throw invalidImage('image holds neither bytes nor url.');
  if (bytes !== null) return { body, image: { data: bytes, encoding: 'base64' } };
  if (!fetchImage) throw new VisageError('IMAGE_URL_FORBIDDEN', 'Send the picture itself in image.bytes.');
  return { body, image: { data: await fetchImage(url as string, accountId), encoding: 'binary' } };
}

/**
 * Makes the reader of a route.
 * @param schema the route's `body`, without `image`.
 * @param fetchImage null where pictures are not fetched by URL.
 */
export function imageReader(schema: Schema, fetchImage: ImageFetcher | null): ImageReader {
  const validateJson = compile(imageBodySchema(schema), 'typed');
  const validateText = compile(schema, 'textual');
  const nothing = compile({ type: 'object', additionalProperties: false }, 'textual');

  return async (request, response, query, accountId) => {
    const form = bodyForm(request.headers, FORMS);
    const parameters = queryParameters(query);
    // Before the body is read: a wrong query need not cost an upload.
    const fromQuery = (form === 'raw' ? validateText : nothing)(parameters);
    const raw = await readBody(request, response, MAX_BYTES[form]);
    if (form === 'json') return fromJson(raw, validateJson, fetchImage, accountId);
    if (form === 'raw') {
      if (raw.length === 0) throw invalidImage('The body is empty.');
      return { body: fromQuery, image: { data: raw, encoding: 'binary' } };
    }
    const { fields, image } = await parseForm(raw, request.headers['content-type'] ?? '');
    const body = validateText(fields);
    if (image === null) throw invalidImage('The form has no file part image.');
    return { body, image: { data: image, encoding: 'binary' } };
  };
}
