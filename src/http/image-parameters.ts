import type { ImageParameter, ImageParameters } from '../api/route.ts';
import type { Schema } from '../api/schema.ts';
import { requiredOf } from '../api/schema.ts';

/** A later check requires exactly one of `bytes` and `url`. */
const IMAGE_SCHEMA: Schema = {
  title: 'Image',
  type: 'object',
  additionalProperties: false,
  description: 'Exactly one of `bytes` and `url`; null counts as absent.',
  properties: {
    bytes: {
      type: ['string', 'null'],
      minLength: 1,
      description:
        'JPEG, PNG, WebP, BMP, GIF, TIFF, JPEG 2000, HEIC or AVIF in base64, standard or URL-safe; a `data:` prefix is tolerated. At most 10 MB decoded.',
    },
    url: {
      type: ['string', 'null'],
      maxLength: 2048,
      description:
        'An http or https URL on the public internet. By default the service fetches no images and answers `IMAGE_URL_FORBIDDEN`.',
    },
  },
};

export const BINARY_SCHEMA: Schema = {
  type: 'string',
  format: 'binary',
  description: 'JPEG, PNG, WebP, BMP, GIF, TIFF, JPEG 2000, HEIC or AVIF, at most 10 MB.',
};

export const LIST_PART = 'images';

export function maxImages(images: ImageParameters): number {
  return Object.values(images).reduce((sum, image) => sum + (image.kind === 'one' ? 1 : image.max), 0);
}

export function takesRawImage({ image }: ImageParameters): boolean {
  return image?.kind === 'one';
}

export function repeatedFields(images: ImageParameters): readonly string[] {
  return Object.values(images).flatMap((image) =>
    image.kind === 'entries' ? Object.keys(propertiesOf(image.item)) : [],
  );
}

export function imageBodySchema(images: ImageParameters, body: Schema): Schema {
  const own = Object.entries(images).map(([name, image]) => [name, parameterSchema(image)]);
  return withParameters(body, images, Object.fromEntries(own) as Record<string, Schema>);
}

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

/** The body may have the fields: none is required or has a default. */
export function imageQuerySchema(body: Schema): Schema {
  const properties = Object.entries(propertiesOf(body)).map(([name, { default: _, ...schema }]) => [
    name,
    schema,
  ]);
  return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false };
}

function parameterSchema(image: ImageParameter): Schema {
  if (image.kind === 'one') return IMAGE_SCHEMA;
  if (image.kind === 'list') return listOf(IMAGE_SCHEMA, image.max);
  const { item } = image;
  const entry = {
    ...item,
    properties: { image: IMAGE_SCHEMA, ...propertiesOf(item) },
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
