import { REPLAYED_HEADER, takesIdempotencyKey } from '../api/idempotency-key.ts';
import { PROBLEM_SCHEMA } from '../api/problem.ts';
import type { ImageParameters, Route } from '../api/route.ts';
import type { Schema } from '../api/schema.ts';
import { requiredOf, titled } from '../api/schema.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { ComponentSchemas } from './component-schemas.ts';
import { BINARY_SCHEMA, imageBodySchema, imageFormSchema, takesRawImage } from './image-parameters.ts';

export type Json = { [name: string]: unknown };

const SECURITY_SCHEMES: Json = {
  ApiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description: '`ApiKey <key>`, `ApiKey` and the base64 of `<accountId>:<key>`, or the bare key.',
  },
  Bearer: {
    type: 'http',
    scheme: 'bearer',
    description: "`Bearer` and an API key, a token of one, or a member's token.",
  },
  XApiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The API key by itself.' },
  Session: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-visage_session',
    description:
      'The session cookie of a member in the dashboard. Requests that change data also need `X-CSRF-Token`.',
  },
};

const HEADER_PARAMETERS: Json = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'A new random value, such as a UUID, for each request, and the same value for each retry. Within 24 hours a retry ' +
      'gets the first answer, and the request does not run again.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description:
      'Change nothing unless the object still has one of these `ETag`s, or `*` for any version. Weak tags never match.',
    schema: { type: 'string' },
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: 'Answer 304 without a body if the object still has one of these `ETag`s.',
    schema: { type: 'string' },
  },
};

const TAGS: Readonly<Record<string, string>> = {
  Collections: 'Galleries of faces.',
  Faces: 'Find, compare, enroll and delete faces.',
  'External keys': "The caller's own names for faces.",
  Events: 'What recognition saw and did, as a list and live.',
  Security: 'Tokens, their public keys, and the time of the service.',
  Accounts: 'Register, log in, refresh and log out.',
  Members: 'The people of an account and their roles.',
  'API keys': 'Credentials of programs, with their limits.',
  Billing: 'Credits and usage.',
  Audit: 'Administrative acts and refused requests.',
  Appliance: 'State, settings and care of the whole appliance.',
  Health: 'Probes for load balancers and monitoring.',
};

const CREDENTIAL_ERRORS: readonly ErrorCode[] = [
  'AUTHENTICATION_REQUIRED',
  'INVALID_API_KEY',
  'TOKEN_INVALID',
  'TOKEN_EXPIRED',
];
const KEY_ERRORS: readonly ErrorCode[] = ['API_KEY_EXPIRED', 'INSUFFICIENT_CREDITS', 'IP_NOT_ALLOWED'];

function accessErrorsOf({ access, confirmed }: Route): ErrorCode[] {
  if (access.by === 'anyone') return ['RATE_LIMIT_EXCEEDED'];
  const own: ErrorCode[] = [];
  if (access.by !== 'member' && access.scope !== null) own.push('SCOPE_DENIED');
  // Requests with a member's cookie must prove their origin.
  if (access.by !== 'key') own.push('PERMISSION_DENIED');
  if (confirmed) own.push('CONFIRMATION_REQUIRED');
  return [...CREDENTIAL_ERRORS, ...KEY_ERRORS, ...own, 'RATE_LIMIT_EXCEEDED'];
}

const BODY_ERRORS: readonly ErrorCode[] = ['PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];
const IDEMPOTENCY_ERRORS: readonly ErrorCode[] = ['IDEMPOTENCY_CONFLICT', 'IDEMPOTENCY_KEY_REUSED'];
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

export function errorCodesOf(route: Route): ErrorCode[] {
  const isRepeatable = takesIdempotencyKey(route);
  const hasInput = route.query !== undefined || takesBody(route) || route.etag !== undefined || isRepeatable;
  return [
    ...new Set<ErrorCode>([
      ...(hasInput ? (['VALIDATION_FAILED'] as const) : []),
      ...accessErrorsOf(route),
      ...(takesBody(route) ? BODY_ERRORS : []),
      ...(route.images ? IMAGE_ERRORS : []),
      ...(isRepeatable ? IDEMPOTENCY_ERRORS : []),
      ...(route.etag === 'write' ? (['PRECONDITION_FAILED'] as const) : []),
      ...route.errors,
      'INTERNAL_ERROR',
    ]),
  ];
}

function propertiesOf(schema: Schema): [string, Schema][] {
  return Object.entries((schema.properties ?? {}) as Record<string, Schema>);
}

function queryParameters(schema: Schema, isBesideBody: boolean): Json[] {
  return propertiesOf(schema).map(([name, { description, default: fallback, ...property }]) => {
    const note = isBesideBody ? ' A value in the body takes precedence.' : '';
    return {
      name,
      in: 'query',
      required: !isBesideBody && requiredOf(schema).includes(name),
      ...(description || note ? { description: `${description ?? ''}${note}`.trim() } : {}),
      schema: { ...property, ...(isBesideBody || fallback === undefined ? {} : { default: fallback }) },
    };
  });
}

function exampleOf(schema: Schema): Json | undefined {
  const example: Json = {};
  for (const [name, property] of propertiesOf(schema)) {
    const first = (property.examples as readonly unknown[] | undefined)?.[0];
    if (first !== undefined) example[name] = first;
    else if (requiredOf(schema).includes(name)) return undefined;
  }
  return example;
}

const IMAGE_EXAMPLE = {
  bytes:
    '/9j/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObDoKrarYqMyP/L2u71////m8H////6/+b9//j/wAALCABAAEABAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AAAAAAAAAAAAAAAAAAAAAAP/Z',
};

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

function partName({ operationId }: Route, part: string): string {
  return `${operationId.charAt(0).toUpperCase()}${operationId.slice(1)}${part}`;
}

function imageContent(images: ImageParameters, route: Route, schemas: ComponentSchemas): Json {
  const { body = {}, example: fields } = route;
  const example = imageExample(images, fields ?? exampleOf(body));
  const raw = { schema: BINARY_SCHEMA };
  const refer = (schema: Schema, part: string) =>
    schemas.refer(titled(partName(route, part), schema), 'request');
  return {
    'application/json': {
      schema: refer(imageBodySchema(images, body), 'Input'),
      ...(example ? { example } : {}),
    },
    'multipart/form-data': { schema: refer(imageFormSchema(images, body), 'Form') },
    ...(takesRawImage(images) ? { 'application/octet-stream': raw, 'image/*': raw } : {}),
  };
}

function requestBody(route: Route, schemas: ComponentSchemas): Json | undefined {
  if (route.images) return { required: true, content: imageContent(route.images, route, schemas) };
  if (!route.body) return undefined;
  const example = route.example ?? exampleOf(route.body);
  const schema = schemas.refer(titled(partName(route, 'Input'), route.body), 'request');
  const media = { schema, ...(example ? { example } : {}) };
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
        'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
      },
    };
  }
  return responses;
}

function successResponses(route: Route, schemas: ComponentSchemas): Json {
  const success = Object.fromEntries(
    Object.entries(route.responses).map(([status, { description, contentType, schema }]) => {
      const headers = successHeaders(route, status);
      if (status === '204') return [status, { description, headers }];
      const named = contentType === undefined ? titled(partName(route, 'Result'), schema) : schema;
      const media = { schema: schemas.refer(named, 'answer') };
      return [status, { description, headers, content: { [contentType ?? 'application/json']: media } }];
    }),
  );
  if (route.etag !== 'read') return success;
  const description = 'The answer still has the `ETag` that `If-None-Match` names.';
  return { ...success, 304: { description, headers: successHeaders(route, '304') } };
}

function successHeaders(route: Route, status: string): Json {
  const names = {
    'X-Request-Id': 'RequestId',
    ...(route.etag && status !== '204' ? { ETag: 'ETag' } : {}),
    ...(takesIdempotencyKey(route) && !route.secret ? { [REPLAYED_HEADER]: 'IdempotencyReplayed' } : {}),
  };
  return Object.fromEntries(
    Object.entries(names).map(([name, component]) => [name, { $ref: `#/components/headers/${component}` }]),
  );
}

function headerParameters(route: Route): Json[] {
  const names = [
    ...(takesIdempotencyKey(route) ? ['IdempotencyKey'] : []),
    ...(route.etag ? [route.etag === 'read' ? 'IfNoneMatch' : 'IfMatch'] : []),
  ];
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
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

function operationOf(route: Route, schemas: ComponentSchemas, bodies: Json): Json {
  const schema = route.images ? route.body : route.query;
  const body = requestBody(route, schemas);
  const name = partName(route, '');
  const parameters = [
    ...pathParameters(route),
    ...(schema ? queryParameters(schema, route.images !== undefined) : []),
    ...headerParameters(route),
  ];
  if (route.images) bodies[name] = body;
  return {
    operationId: route.operationId,
    summary: route.summary,
    description: route.description ?? `${route.summary}.`,
    tags: route.tags,
    security: securityOf(route),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: route.images ? { $ref: `#/components/requestBodies/${name}` } : body } : {}),
    responses: { ...successResponses(route, schemas), ...errorResponses(errorCodesOf(route)) },
  };
}

/** @throws Error for different schemas of one title, or a tag without description. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const schemas = new ComponentSchemas();
  schemas.refer(PROBLEM_SCHEMA, 'answer');
  const requestBodies: Json = {};
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const operation = operationOf(route, schemas, requestBodies);
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation };
  }
  const used = new Set(routes.flatMap(({ tags }) => tags));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Visage',
      version,
      description: 'Face recognition over REST. Images and templates stay on this machine.',
      contact: { name: 'The operator of this appliance' },
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...used].map((name) => {
      const description = TAGS[name];
      if (!description) throw new Error(`The tag ${name} has no description`);
      return { name, description };
    }),
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      schemas: schemas.all(),
      requestBodies,
      parameters: HEADER_PARAMETERS,
      headers: {
        RequestId: { description: 'The id of this request, also in the log.', schema: { type: 'string' } },
        IdempotencyReplayed: {
          description: '`true` on an answer that repeats the first one; otherwise absent.',
          schema: { const: 'true' },
        },
        ETag: {
          description: 'The version of the settings. Send it as `If-Match` or `If-None-Match`.',
          schema: { type: 'string' },
        },
        RetryAfter: {
          description: 'Seconds after which trying again makes sense.',
          schema: { type: 'integer' },
        },
      },
    },
  };
}
