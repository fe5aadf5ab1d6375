/** The OpenAPI 3.1 document, made from the route table. */
import { ERRORS, type ErrorCode } from '../errors.ts';
import {
  BINARY_SCHEMA,
  IMAGE_SCHEMA,
  imageBodySchema,
  imageFormSchema,
  takesRawImage,
} from './image-parameters.ts';
import { PROBLEM_SCHEMA } from './problem.ts';
import type { ImageParameters, Route, Schema } from './route.ts';
import { requiredOf } from './schema.ts';

/** A JSON object of the document. */
export type Json = { [name: string]: unknown };

const SECURITY_SCHEMES: Json = {
  ApiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description: '`ApiKey <key>`, or `ApiKey` and the base64 of `<accountId>:<key>`.',
  },
  Bearer: {
    type: 'http',
    scheme: 'bearer',
    description: "`Bearer` and an API key, a token of one, or a member's token.",
  },
  XApiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The key alone.' },
  Session: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-visage_session',
    description: "A member's session in the dashboard; what changes something also takes `X-CSRF-Token`.",
  },
};

const CREDENTIAL_ERRORS: readonly ErrorCode[] = [
  'AUTHENTICATION_REQUIRED',
  'INVALID_API_KEY',
  'TOKEN_INVALID',
  'TOKEN_EXPIRED',
];
const KEY_ERRORS: readonly ErrorCode[] = ['API_KEY_EXPIRED', 'INSUFFICIENT_CREDITS', 'IP_NOT_ALLOWED'];

function accessErrorsOf({ access }: Route): ErrorCode[] {
  if (access.by === 'anyone') return ['RATE_LIMIT_EXCEEDED'];
  const own: ErrorCode[] = [];
  if (access.by !== 'member' && access.scope !== null) own.push('SCOPE_DENIED');
  // A cookie is a member's, and needs proof that the dashboard sent the request.
  if (access.by !== 'key') own.push('PERMISSION_DENIED');
  return [...CREDENTIAL_ERRORS, ...KEY_ERRORS, ...own, 'RATE_LIMIT_EXCEEDED'];
}

const BODY_ERRORS: readonly ErrorCode[] = ['PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];
const IMAGE_ERRORS: readonly ErrorCode[] = [
  'INVALID_IMAGE',
  'IMAGE_TOO_LARGE',
  'UNSUPPORTED_IMAGE',
  'IMAGE_URL_FORBIDDEN',
  'IMAGE_URL_FAILED',
  'OVERLOADED',
];

function takesBody(route: Route): boolean {
  return route.body !== undefined || route.images !== undefined;
}

/** Every code that a route can answer: its own and those of its kind. */
export function errorCodesOf(route: Route): ErrorCode[] {
  const hasInput = route.query !== undefined || takesBody(route);
  return [
    ...new Set<ErrorCode>([
      ...(hasInput ? (['VALIDATION_FAILED'] as const) : []),
      ...accessErrorsOf(route),
      ...(takesBody(route) ? BODY_ERRORS : []),
      ...(route.images ? IMAGE_ERRORS : []),
      ...route.errors,
      'INTERNAL_ERROR',
    ]),
  ];
}

function propertiesOf(schema: Schema): [string, Schema][] {
  return Object.entries((schema.properties ?? {}) as Record<string, Schema>);
}

function queryParameters(schema: Schema, isForRawImage: boolean): Json[] {
  return propertiesOf(schema).map(([name, { description, ...property }]) => {
    const note = isForRawImage ? 'Only beside a raw image body. ' : '';
    return {
      name,
      in: 'query',
      required: !isForRawImage && requiredOf(schema).includes(name),
      ...(description || note ? { description: `${note}${description ?? ''}`.trim() } : {}),
      schema: property,
    };
  });
}

/** An object of the first example of each property; undefined if a required one has none. */
function exampleOf(schema: Schema): Json | undefined {
  const example: Json = {};
  for (const [name, property] of propertiesOf(schema)) {
    const first = (property.examples as readonly unknown[] | undefined)?.[0];
    if (first !== undefined) example[name] = first;
    else if (requiredOf(schema).includes(name)) return undefined;
  }
  return example;
}

/** `image` as the seed shows it; the value is not a picture. */
const IMAGE_EXAMPLE = { bytes: '/9j/4AAQSkZJRgABAQEAYABgAAD...' };

/** The same parameters with pictures, as an example. */
function imageExample(images: ImageParameters, fields: Json | undefined): Json | undefined {
  if (!fields) return undefined;
  const required = Object.entries(images).filter(([, image]) => image.kind !== 'one' || image.required);
  const pictures = required.map(([name, image]) => {
    if (image.kind === 'one') return [name, IMAGE_EXAMPLE];
    if (image.kind === 'list') return [name, [IMAGE_EXAMPLE]];
    return [name, [{ image: IMAGE_EXAMPLE, ...exampleOf(image.item) }]];
  });
  return { ...Object.fromEntries(pictures), ...fields };
}

function imageContent(images: ImageParameters, { body = {}, example: fields }: Route): Json {
  const example = imageExample(images, fields ?? exampleOf(body));
  const raw = { schema: BINARY_SCHEMA };
  return {
    'application/json': {
      schema: imageBodySchema(images, body, { $ref: '#/components/schemas/Image' }),
      ...(example ? { example } : {}),
    },
    'multipart/form-data': { schema: imageFormSchema(images, body) },
    ...(takesRawImage(images) ? { 'application/octet-stream': raw, 'image/*': raw } : {}),
  };
}

function requestBody(route: Route): Json | undefined {
  if (route.images) return { required: true, content: imageContent(route.images, route) };
  if (!route.body) return undefined;
  const example = route.example ?? exampleOf(route.body);
  const media = { schema: route.body, ...(example ? { example } : {}) };
  return { required: requiredOf(route.body).length > 0, content: { 'application/json': media } };
}

function errorResponses(codes: readonly ErrorCode[]): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const responses: Json = {};
  for (const [status, own] of byStatus) {
    responses[status] = {
      description: own.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('\n\n'),
      headers: {
        'X-Request-Id': { $ref: '#/components/headers/RequestId' },
        ...(status === 503 || status === 429
          ? { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } }
          : {}),
      },
      content: {
        'application/problem+json': {
          schema: {
            allOf: [{ $ref: '#/components/schemas/Problem' }],
            properties: { status: { const: status }, code: { enum: own } },
          },
        },
      },
    };
  }
  return responses;
}

function successResponses(route: Route): Json {
  return Object.fromEntries(
    Object.entries(route.responses).map(([status, { description, contentType, schema }]) => [
      status,
      {
        description,
        headers: { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } },
        ...(status === '204' ? {} : { content: { [contentType ?? 'application/json']: { schema } } }),
      },
    ]),
  );
}

function pathParameters({ params = {} }: Route): Json[] {
  return Object.entries(params).map(([name, { description, ...schema }]) => {
    return { name, in: 'path', required: true, ...(description ? { description } : {}), schema };
  });
}

function securityOf({ access }: Route): Json[] {
  const keys = ['ApiKey', 'Bearer', 'XApiKey'];
  const names = {
    anyone: [],
    key: keys,
    caller: [...keys, 'Session'],
    member: ['Bearer', 'Session'],
    'member-or-key': [...keys, 'Session'],
  }[access.by];
  return names.map((name) => ({ [name]: [] }));
}

function operationOf(route: Route): Json {
  const schema = route.images ? (takesRawImage(route.images) ? route.body : undefined) : route.query;
  const body = requestBody(route);
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...(route.description ? { description: route.description } : {}),
    tags: route.tags,
    security: securityOf(route),
    ...(schema || route.params
      ? {
          parameters: [
            ...pathParameters(route),
            ...(schema ? queryParameters(schema, route.images !== undefined) : []),
          ],
        }
      : {}),
    ...(body ? { requestBody: body } : {}),
    responses: { ...successResponses(route), ...errorResponses(errorCodesOf(route)) },
  };
}

/** The document of a table of routes. Equal tables make equal documents. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Visage',
      version,
      description: 'Face recognition over REST. Pictures and templates stay on this machine.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      schemas: { Problem: PROBLEM_SCHEMA, Image: IMAGE_SCHEMA },
      headers: {
        RequestId: { description: 'Joins this answer and the log.', schema: { type: 'string' } },
        RetryAfter: {
          description: 'Seconds after which trying again makes sense.',
          schema: { type: 'integer' },
        },
      },
    },
  };
}
