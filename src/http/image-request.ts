/** Pictures and their parameters, in each of the three forms. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { VisageError } from '../errors.ts';
import { readBody } from './body.ts';
import type { ImageFetcher } from './image-fetch.ts';
import {
  imageBodySchema,
  LIST_PART,
  maxImages,
  propertiesOf,
  repeatedFields,
  takesRawImage,
} from './image-parameters.ts';
import { parseImageJson } from './json-body.ts';
import { type BodyForm, bodyForm } from './media-type.ts';
import { type FormParts, parseForm } from './multipart.ts';
import type { ImageParameters, ImageSource, ImageSources, Schema } from './route.ts';
import { compile, queryParameters } from './validation.ts';

/** Bytes of a body for each picture: 10 MB of picture as base64 with room for the rest, and 10 MB as they are. */
const MAX_BYTES: Readonly<Record<BodyForm, number>> = {
  json: 14_000_000,
  multipart: 10_100_000,
  raw: 10_100_000,
};

/** A body has room for this many of the largest pictures, however many it may hold. */
const MAX_LARGEST = 4;

/** What an image route is asked. */
export interface ImageIntake {
  readonly body: Record<string, unknown>;
  readonly images: ImageSources;
}

/** The same, and what the pictures are views of. */
export interface ReadImages extends ImageIntake {
  readonly raw: Buffer;
}

/** Reads the requests of one image route. */
export type ImageReader = (
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
  accountId: string,
) => Promise<ReadImages>;

/** What stands for a picture in a JSON body. */
interface WrittenImage {
  readonly bytes?: string | null;
  readonly url?: string | null;
}

function invalidImage(detail: string, path = '/image'): VisageError {
  return new VisageError('VALIDATION_FAILED', detail, [{ path, message: detail }]);
}

function ready(data: Uint8Array): ImageSource {
  return async () => ({ data, encoding: 'binary' });
}

/** Every picture of a JSON body with its place, parameter by parameter. */
function* writtenImages(
  images: ImageParameters,
  body: unknown,
): Generator<{ readonly name: string; readonly path: string; readonly image: unknown }> {
  const holder = body as Readonly<Record<string, unknown>> | null;
  for (const [name, { kind }] of Object.entries(images)) {
    if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, name)) continue;
    const value = holder[name];
    if (kind === 'one') yield { name, path: `/${name}`, image: value };
    else if (Array.isArray(value)) {
      for (const [i, item] of value.entries()) {
        if (kind === 'list') yield { name, path: `/${name}/${i}`, image: item };
        else yield { name, path: `/${name}/${i}/image`, image: (item as { image?: unknown } | null)?.image };
      }
    }
  }
}

function withoutImage(entry: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => name !== 'image'));
}

/** The parameters of a body without its pictures. */
function withoutImages(images: ImageParameters, body: Record<string, unknown>): Record<string, unknown> {
  const rest = { ...body };
  for (const [name, { kind }] of Object.entries(images)) {
    if (kind !== 'entries') delete rest[name];
    else rest[name] = (body[name] as object[]).map(withoutImage);
  }
  return rest;
}

/** The parameters of a form: of the repeated fields it makes the entries of the list that they belong to. */
function fieldsOf(images: ImageParameters, { fields, lists, files }: FormParts): Record<string, unknown> {
  const body: Record<string, unknown> = fields;
  for (const [name, image] of Object.entries(images)) {
    if (image.kind !== 'entries') continue;
    const count = files[LIST_PART]?.length ?? 0;
    const entries = Array.from({ length: count }, (): Record<string, string> => ({}));
    for (const field of Object.keys(propertiesOf(image.item))) {
      const values = lists[field] ?? [];
      if (values.length !== count && values.length > 0) {
        const message = `must be given once for each of the ${LIST_PART}`;
        throw new VisageError('VALIDATION_FAILED', `${field}: ${message}.`, [{ path: field, message }]);
      }
      for (const [i, value] of values.entries()) Object.assign(entries[i] ?? {}, { [field]: value });
    }
    body[name] = entries;
  }
  return body;
}

/** The other parameters of a form: with the entries of a list, whose pictures are parts of their own. */
function formSchema(images: ImageParameters, body: Schema): Schema {
  const own = Object.entries(images).flatMap(([name, image]) =>
    image.kind === 'entries' ? [[name, { type: 'array', minItems: 1, items: image.item }]] : [],
  );
  return { ...body, properties: { ...propertiesOf(body), ...Object.fromEntries(own) } };
}

/**
 * Makes the reader of a route.
 * @param images the pictures that the route takes.
 * @param schema the route's `body`, without pictures.
 * @param fetchImage null where pictures are not fetched by URL.
 */
export function imageReader(
  images: ImageParameters,
  schema: Schema,
  fetchImage: ImageFetcher | null,
): ImageReader {
  const validateJson = compile(imageBodySchema(images, schema), 'typed');
  const validateForm = compile(formSchema(images, schema), 'textual');
  const validateQuery = compile(schema, 'textual');
  const nothing = compile({ type: 'object', additionalProperties: false }, 'textual');
  const forms = ['json', 'multipart', ...(takesRawImage(images) ? (['raw'] as const) : [])] as const;
  const most = maxImages(images);
  const required = Object.entries(images).flatMap(([name, image]) =>
    image.kind === 'one' && image.required ? [name] : [],
  );
  const partOf = (name: string) => (images[name]?.kind === 'one' ? name : LIST_PART);
  const formLimits = {
    files: Object.fromEntries(
      Object.entries(images).map(([name, image]) => [partOf(name), image.kind === 'one' ? 1 : image.max]),
    ),
    repeated: repeatedFields(images),
  };

  const sourceOf = (
    { bytes, url }: WrittenImage,
    path: string,
    textOf: (written: string) => Uint8Array,
    accountId: string,
  ): ImageSource => {
    const name = path === '/image' ? 'image' : path.slice(1).replaceAll('/', '.');
    if (typeof url === 'string' && typeof bytes === 'string') {
      throw invalidImage(`${name} holds both bytes and url, but takes one of them.`, path);
    }
    if (typeof bytes === 'string') return async () => ({ data: textOf(bytes), encoding: 'base64' });
    if (typeof url !== 'string') throw invalidImage(`${name} holds neither bytes nor url.`, path);
    return async () => {
      if (!fetchImage)
        throw new VisageError('IMAGE_URL_FORBIDDEN', 'Send the picture itself in image.bytes.');
      return { data: await fetchImage(url, accountId), encoding: 'binary' };
    };
  };

  const fromJson = (raw: Buffer, accountId: string): ImageIntake => {
    const picturesOf = (value: unknown) => Array.from(writtenImages(images, value), ({ image }) => image);
    const { value, textOf } = parseImageJson(raw, picturesOf, most);
    const body = validateJson(value);
    const sources: Record<string, ImageSource[]> = {};
    for (const { name, path, image } of writtenImages(images, body)) {
      const source = sourceOf(image as WrittenImage, path, textOf, accountId);
      sources[name] = [...(sources[name] ?? []), source];
    }
    return { body: withoutImages(images, body), images: sources };
  };

  const fromForm = async (raw: Buffer, contentType: string): Promise<ImageIntake> => {
    const form = await parseForm(raw, contentType, formLimits);
    const body = validateForm(fieldsOf(images, form));
    for (const name of required) {
      if (!form.files[name]) throw invalidImage(`The form has no file part ${name}.`, `/${name}`);
    }
    const sources = Object.keys(images).map((name) => [name, form.files[partOf(name)]?.map(ready) ?? []]);
    return { body, images: Object.fromEntries(sources) as ImageSources };
  };

  return async (request, response, query, accountId) => {
    const form = bodyForm(request.headers, forms);
    const parameters = queryParameters(query);
    // Before the body is read: a wrong query need not cost an upload.
    const fromQuery = (form === 'raw' ? validateQuery : nothing)(parameters);
    const pictures = form === 'raw' ? 1 : Math.min(most, MAX_LARGEST);
    const raw = await readBody(request, response, MAX_BYTES[form] * pictures);
    if (form === 'json') return { ...fromJson(raw, accountId), raw };
    if (form === 'multipart') {
      return { ...(await fromForm(raw, request.headers['content-type'] ?? '')), raw };
    }
    if (raw.length === 0) throw invalidImage('The body is empty.');
    return { body: fromQuery, images: { image: [ready(raw)] }, raw };
  };
}
