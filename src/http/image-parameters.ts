/** What schemas and limits follow from the pictures that a route takes. */
import type { ImageParameter, ImageParameters, Schema } from './route.ts';
import { requiredOf } from './schema.ts';

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

/** A file part of a form, or a raw body, in the OpenAPI document. */
export const BINARY_SCHEMA: Schema = {
  type: 'string',
  format: 'binary',
  description: 'JPEG, PNG, WebP, BMP or GIF, at most 10 MB.',
};

/** The name of the file parts of a list of pictures in a form. */
export const LIST_PART = 'images';

/** Most pictures of a request. */
export function maxImages(images: ImageParameters): number {
  return Object.values(images).reduce((sum, image) => sum + (image.kind === 'one' ? 1 : image.max), 0);
}

/** Whether a picture may be the body itself, the other parameters being in the query. */
export function takesRawImage({ image }: ImageParameters): boolean {
  return image?.kind === 'one';
}

/** Names of the fields that a form repeats, once for each picture of a list. */
export function repeatedFields(images: ImageParameters): readonly string[] {
  return Object.values(images).flatMap((image) =>
    image.kind === 'entries' ? Object.keys(propertiesOf(image.item)) : [],
  );
}

/**
 * The JSON body of an image route: its pictures and its other parameters.
 * @param picture the schema of one picture.
 */
export function imageBodySchema(images: ImageParameters, body: Schema, picture = IMAGE_SCHEMA): Schema {
  const own = Object.entries(images).map(([name, image]) => [name, parameterSchema(image, picture)]);
  return withParameters(body, images, Object.fromEntries(own) as Record<string, Schema>);
}

/** The same as a form. */
export function imageFormSchema(images: ImageParameters, body: Schema): Schema {
  const own: Record<string, Schema> = {};
  for (const [name, image] of Object.entries(images)) {
    if (image.kind === 'one') own[name] = BINARY_SCHEMA;
    else own[LIST_PART] = listOf(BINARY_SCHEMA, image.max);
    if (image.kind !== 'entries') continue;
    for (const [field, schema] of Object.entries(propertiesOf(image.item))) {
      own[field] = {
        ...listOf(schema, image.max),
        description: 'One for each of the images, in their order.',
      };
    }
  }
  return withParameters(body, images, own);
}

function withParameters(body: Schema, images: ImageParameters, own: Record<string, Schema>): Schema {
  const required = Object.entries(images).flatMap(([name, image]) => {
    if (image.kind === 'one') return image.required ? [name] : [];
    if (image.kind === 'list') return [];
    return Object.hasOwn(own, name) ? [name] : [LIST_PART, ...requiredOf(image.item)];
  });
  return {
    ...body,
    properties: { ...own, ...propertiesOf(body) },
    required: [...required, ...requiredOf(body)],
  };
}

function parameterSchema(image: ImageParameter, picture: Schema): Schema {
  if (image.kind === 'one') return picture;
  if (image.kind === 'list') return listOf(picture, image.max);
  const { item } = image;
  const entry = {
    ...item,
    properties: { image: picture, ...propertiesOf(item) },
    required: ['image', ...requiredOf(item)],
  };
  return listOf(entry, image.max);
}

function listOf(items: Schema, maxItems: number): Schema {
  return { type: 'array', minItems: 1, maxItems, items };
}

export function propertiesOf(schema: Schema): Readonly<Record<string, Schema>> {
  return (schema.properties ?? {}) as Readonly<Record<string, Schema>>;
}
