import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ImageParameters, ImageSource, ImageSources } from '../api/route.ts';
import type { Schema } from '../api/schema.ts';
import { compile, elsewhere, queryParameters } from '../api/validation.ts';
import { VisageError } from '../errors.ts';
import type { ImageEncoding } from '../native/pipeline.ts';
import { releaseBytes } from '../native/system.ts';
import { readBody } from './body.ts';
import type { BodyHold } from './body-budget.ts';
import type { ImageFetcher } from './image-fetch.ts';
import {
  imageBodySchema,
  imageQuerySchema,
  LIST_PART,
  maxImages,
  propertiesOf,
  repeatedFields,
  takesRawImage,
} from './image-parameters.ts';
import { parseImageJson } from './json-body.ts';
import { type BodyForm, bodyForm } from './media-type.ts';
import { type FormLimits, type FormParts, parseForm } from './multipart.ts';

const MAX_BYTES: Readonly<Record<BodyForm, number>> = {
  json: 14_000_000,
  multipart: 10_100_000,
  raw: 10_100_000,
};

const PLACES: Readonly<Record<BodyForm, string>> = {
  json: 'the JSON body',
  multipart: 'the form',
  raw: 'the body',
};
const QUERY = 'the query';

const MAX_LARGEST = 4;

export interface ImageIntake {
  readonly body: Record<string, unknown>;
  readonly images: ImageSources;
}

export interface ReadImages extends ImageIntake {
  readonly raw: Buffer;
  /** Omits a form's boundary and file names, which differ between attempts. */
  readonly pieces: () => readonly Uint8Array[];
}

interface Sender {
  readonly accountId: string;
  readonly hold: BodyHold;
}

interface WrittenImage {
  readonly bytes?: string | null;
  readonly url?: string | null;
}

function invalidImage(detail: string, path = '/image'): VisageError {
  return new VisageError('VALIDATION_FAILED', detail, [{ path, message: detail }]);
}

function ready(data: Uint8Array, encoding: ImageEncoding = 'binary'): ImageSource {
  return async () => ({ data, encoding });
}

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

function withoutImages(images: ImageParameters, body: Record<string, unknown>): Record<string, unknown> {
  const rest = { ...body };
  for (const [name, { kind }] of Object.entries(images)) {
    if (kind !== 'entries') delete rest[name];
    else rest[name] = (body[name] as object[]).map(withoutImage);
  }
  return rest;
}

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

function piecesOf({ fields, lists, files }: FormParts): Uint8Array[] {
  const texts = Buffer.from(JSON.stringify([Object.entries(fields), Object.entries(lists)]));
  const named = Object.entries(files).flatMap(([name, own]) => [
    Buffer.from(`${name} ${own.length}`),
    ...own.map(({ data }) => data),
  ]);
  return [texts, ...named];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function formSchema(images: ImageParameters, body: Schema): Schema {
  const own = Object.entries(images).flatMap(([name, image]) =>
    image.kind === 'entries'
      ? [[name, { type: 'array', minItems: 1, maxItems: image.max, items: image.item }]]
      : [],
  );
  return { ...body, properties: { ...propertiesOf(body), ...Object.fromEntries(own) } };
}

function checksOf(images: ImageParameters, schema: Schema) {
  const json = imageBodySchema(images, schema);
  const inImage = { bytes: 'image', url: 'image' };
  const querySchema = imageQuerySchema(schema);
  const query = (form: BodyForm) =>
    compile(querySchema, 'textual', { here: QUERY, elsewhere: elsewhere(json, PLACES[form]) });
  return {
    json: compile(json, 'typed', { here: PLACES.json, elsewhere: inImage }),
    multipart: compile(formSchema(images, schema), 'textual', { here: PLACES.multipart }),
    raw: compile(schema, 'textual', { here: QUERY }),
    query: { json: query('json'), multipart: query('multipart'), raw: query('raw') },
  };
}

function partOf(images: ImageParameters, name: string): string {
  return images[name]?.kind === 'one' ? name : LIST_PART;
}

function formLimitsOf(images: ImageParameters): FormLimits {
  const files = Object.entries(images).map(([name, image]) => [
    partOf(images, name),
    image.kind === 'one' ? 1 : image.max,
  ]);
  return { files: Object.fromEntries(files), repeated: repeatedFields(images) };
}

export class ImageReader {
  readonly #images: ImageParameters;
  readonly #fetchImage: ImageFetcher | null;
  readonly #checks: ReturnType<typeof checksOf>;
  readonly #forms: readonly BodyForm[];
  readonly #formLimits: FormLimits;

  /**
   * @param schema of the body, without images.
   * @param fetchImage null to fetch none.
   */
  constructor(images: ImageParameters, schema: Schema, fetchImage: ImageFetcher | null) {
    this.#images = images;
    this.#fetchImage = fetchImage;
    this.#checks = checksOf(images, schema);
    this.#forms = takesRawImage(images) ? ['json', 'multipart', 'raw'] : ['json', 'multipart'];
    this.#formLimits = formLimitsOf(images);
  }

  async read(
    request: IncomingMessage,
    response: ServerResponse,
    query: string,
    sender: Sender,
  ): Promise<ReadImages> {
    const form = bodyForm(request.headers, this.#forms);
    const fromQuery = this.#checks.query[form](queryParameters(query));
    const complete = form === 'raw' ? this.#checks.raw({ ...fromQuery }) : fromQuery;
    const largest = form === 'raw' ? 1 : Math.min(maxImages(this.#images), MAX_LARGEST);
    const raw = await readBody(request, response, MAX_BYTES[form] * largest, sender.hold);
    const framed = (parts: readonly Uint8Array[]) => [Buffer.from(`${form} ${query}`), ...parts];
    if (form === 'multipart') {
      const parts = await parseForm(raw, request.headers['content-type'] ?? '', this.#formLimits);
      return { ...this.#fromForm(parts, fromQuery), raw, pieces: () => framed(piecesOf(parts)) };
    }
    const pieces = () => framed([raw]);
    if (form === 'json') return { ...(await this.#fromJson(raw, fromQuery, sender)), raw, pieces };
    if (raw.length === 0) throw invalidImage('The body is empty.');
    return { body: complete, images: { image: [ready(raw)] }, raw, pieces };
  }

  async #fromJson(raw: Buffer, fromQuery: Record<string, unknown>, sender: Sender): Promise<ImageIntake> {
    const { value, textOf, checkPlaces } = await parseImageJson(raw, maxImages(this.#images));
    const body = this.#checks.json(isObject(value) ? { ...fromQuery, ...value } : value);
    const written = [...writtenImages(this.#images, body)];
    checkPlaces(body, new Set(written.map(({ image }) => image)));
    const sources: Record<string, ImageSource[]> = {};
    for (const { name, path, image } of written) {
      const source = this.#sourceOf(image as WrittenImage, path, textOf, sender);
      sources[name] = [...(sources[name] ?? []), source];
    }
    return { body: withoutImages(this.#images, body), images: sources };
  }

  #fromForm(form: FormParts, fromQuery: Record<string, unknown>): ImageIntake {
    const images = this.#images;
    const body = this.#checks.multipart({ ...fromQuery, ...fieldsOf(images, form) });
    for (const [name, image] of Object.entries(images)) {
      const isMissing = image.kind === 'one' && image.required && !form.files[name];
      if (isMissing) throw invalidImage(`The form has no file part ${name}.`, `/${name}`);
    }
    const sources = Object.keys(images).map((name) => [
      name,
      form.files[partOf(images, name)]?.map(({ data, encoding }) => ready(data, encoding)) ?? [],
    ]);
    return { body, images: Object.fromEntries(sources) as ImageSources };
  }

  #sourceOf(
    { bytes, url }: WrittenImage,
    path: string,
    textOf: (written: string) => Uint8Array,
    sender: Sender,
  ): ImageSource {
    const name = path === '/image' ? 'image' : path.slice(1).replaceAll('/', '.');
    if (typeof url === 'string' && typeof bytes === 'string') {
      throw invalidImage(`${name} holds both bytes and url, but takes one of them.`, path);
    }
    if (typeof bytes === 'string') return async () => ({ data: textOf(bytes), encoding: 'base64' });
    if (typeof url !== 'string') throw invalidImage(`${name} holds neither bytes nor url.`, path);
    return () => this.#fetched(url, sender);
  }

  /** Release the image. */
  async #fetched(url: string, { accountId, hold }: Sender): ReturnType<ImageSource> {
    if (!this.#fetchImage) {
      throw new VisageError(
        'IMAGE_URL_FORBIDDEN',
        'This appliance fetches no images by URL: send the image itself in image.bytes.',
      );
    }
    const data = await this.#fetchImage(url, accountId, hold);
    const { length } = data;
    const release = () => {
      releaseBytes(data);
      hold.give(length);
    };
    return { data, encoding: 'binary', release };
  }
}
