/** See docs/how-to/add-a-route.md. */

import type { ErrorCode } from '../errors.ts';
import type { AuditActor, Caller } from './caller.ts';
import type { Role } from './roles.ts';
import type { FromSchema, ObjectSchema, Properties, Schema } from './schema.ts';
import type { RouteScope } from './scopes.ts';

/** Native threads decode it. */
export interface ImageInput {
  readonly data: Uint8Array;
  readonly encoding: 'binary' | 'base64';
  /** Call once. */
  readonly release?: () => void;
}

/**
 * Fetches URLs.
 * @throws VisageError as `ImageFetcher`.
 */
export type ImageSource = () => Promise<ImageInput>;

export type ImageSources = Readonly<Record<string, readonly ImageSource[] | undefined>>;

export type ImageParameter =
  | { readonly kind: 'one'; readonly required: boolean }
  | { readonly kind: 'list'; readonly max: number }
  /**
   * Objects, each with an `image` and the fields of `item`; `body` has the fields under the same name. In a
   * form, file parts `images`, and each field repeated in their order.
   */
  | { readonly kind: 'entries'; readonly max: number; readonly item: Schema };

export type ImageParameters = Readonly<Record<string, ImageParameter>>;

export const ONE_IMAGE = { image: { kind: 'one', required: true } } as const satisfies ImageParameters;

export type Access = PublicAccess | CallerAccess;

export interface PublicAccess {
  readonly by: 'anyone';
}

export type CallerAccess =
  /** Tokens do not suffice. */
  | { readonly by: 'key'; readonly scope: RouteScope | null }
  /**
   * An API key with the scope, its token, or any member. `readsOwn`: the route reads only collections within
   * the key's bounds, so `v1:*` grants it to bounded keys too.
   */
  | { readonly by: 'caller'; readonly scope: RouteScope | null; readonly readsOwn?: true }
  /** `appliance`: only for members of the first account. */
  | { readonly by: 'member'; readonly role: Role; readonly appliance?: true }
  | { readonly by: 'member-or-key'; readonly role: Role; readonly scope: RouteScope };

/** All values by lower-case name. */
export type RequestHeaders = Readonly<Record<string, readonly string[] | undefined>>;

/** Parts that the route does not accept are empty. */
export interface RouteRequest {
  readonly requestId: string;
  /** From the connection or a trusted proxy. */
  readonly address: string;
  readonly headers: RequestHeaders;
  /** Null on public routes. */
  readonly caller: Caller | null;
  /** Throws VisageError if the caller could no longer send this request. */
  readonly reauthorize: () => void;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly images: ImageSources;
}

export interface RouteResponse {
  readonly status: number;
  /** JSON value. */
  readonly body: unknown;
  /** Multiple of the price; default: the route's `units`. */
  readonly units?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /**
   * Replaces `body` by a `text/event-stream`. The server pulls chunks as the client reads, and calls `return`
   * when the client leaves.
   */
  readonly stream?: AsyncIterableIterator<string>;
  /** Fields that the request lacks, such as a new key's id. */
  readonly audit?: {
    readonly target?: string;
    /** An entry for each target or key, not one for the call. The log stores only pseudonyms of keys. */
    readonly each?: { readonly targets: readonly string[] } | { readonly externalKeys: readonly string[] };
    readonly actor?: AuditActor;
    readonly accountId?: string;
    readonly environment?: Caller['environment'];
    readonly collectionId?: string | null;
  };
}

interface ResponseSpec {
  readonly description: string;
  readonly schema: Schema;
  /** Default: `application/json`. */
  readonly contentType?: string;
}

interface RouteData {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** A mismatch is a `NOT_FOUND`. */
  readonly params?: Readonly<Record<string, Schema>>;
  readonly operationId: string;
  readonly summary: string;
  /** Markdown. Default: the summary. */
  readonly description?: string;
  readonly tags: readonly string[];
  readonly query?: Schema;
  /** Image routes accept the fields beside the images in JSON, as form fields, or in the query. */
  readonly body?: Schema;
  /** Needed if the fields' first examples contradict each other. */
  readonly example?: Readonly<Record<string, unknown>>;
  /** Maximum multiple of the price; default: 1. */
  units?(body: Readonly<Record<string, unknown>>): number;
  /**
   * `read`: the answer has an `ETag`, and a matching `If-None-Match` gets 304. `write`: the handler checks
   * `If-Match` inside its transaction.
   */
  readonly etag?: 'read' | 'write';
  readonly secret?: true;
  /** A cookie session must have confirmed the password recently. */
  readonly confirmed?: true;
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  /** The entry is durable before the answer. `target` names parameters; the first one present counts. */
  readonly audit?: { readonly action: string; readonly target?: string | readonly string[] };
  /** Besides those common to routes of its kind. */
  readonly errors: readonly ErrorCode[];
}

export interface Route extends RouteData {
  readonly access: Access;
  readonly images?: ImageParameters;
  readonly handler: (request: RouteRequest) => Promise<RouteResponse> | RouteResponse;
}

type NoFields = ObjectSchema<Record<never, Schema>, never>;
type NoImages = Record<never, ImageParameter>;

type ImagesOf<I extends ImageParameters> = {
  readonly [N in keyof I]: I[N] extends { readonly kind: 'one'; readonly required: infer IsRequired }
    ? IsRequired extends true
      ? ImageSource
      : ImageSource | undefined
    : readonly ImageSource[];
};

type EntriesOf<I extends ImageParameters> = {
  readonly [N in keyof I as I[N] extends { readonly kind: 'entries' } ? N : never]: I[N] extends {
    readonly item: infer Item;
  }
    ? readonly FromSchema<Item>[]
    : never;
};

type BodyOf<B extends Schema, I extends ImageParameters> = FromSchema<B> & EntriesOf<I>;

type RequestOf<
  A extends Access,
  Q extends Schema = NoFields,
  B extends Schema = NoFields,
  P extends Properties = Record<never, Schema>,
  I extends ImageParameters = NoImages,
> = Pick<RouteRequest, 'requestId' | 'address' | 'headers' | 'reauthorize'> & {
  readonly caller: A extends PublicAccess ? null : Caller;
  readonly params: { readonly [N in keyof P]: string };
  readonly query: FromSchema<Q>;
  readonly body: BodyOf<B, I>;
  readonly images: ImagesOf<I>;
};

type AnswerOf<R extends Readonly<Record<number, ResponseSpec>>> = {
  [S in keyof R]: RouteResponse & {
    readonly status: S;
    readonly body: R[S] extends { readonly schema: infer Body } ? FromSchema<Body> : never;
  };
}[keyof R];

type FieldOf<S extends Schema> = S extends { readonly properties: infer P } ? keyof P & string : never;

interface RouteSpec<
  A extends Access,
  Q extends Schema,
  B extends Schema,
  P extends Properties,
  I extends ImageParameters,
  R extends Readonly<Record<number, ResponseSpec>>,
> extends Omit<RouteData, 'units' | 'audit'> {
  readonly access: A;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly images?: I;
  // TypeScript checks methods bivariantly, so a Route's `units` accepts a wider body.
  units?(body: BodyOf<B, I>): number;
  readonly responses: R;
  readonly audit?: {
    readonly action: string;
    readonly target?: Target<Q, B, P> | readonly Target<Q, B, P>[];
  };
  readonly handler: (request: RequestOf<A, Q, B, P, I>) => Promise<AnswerOf<R>> | AnswerOf<R>;
}

type Target<Q extends Schema, B extends Schema, P extends Properties> =
  | FieldOf<Q>
  | FieldOf<B>
  | (keyof NoInfer<P> & string);

function imagesOf(parameters: ImageParameters = {}, sources: ImageSources): Record<string, unknown> {
  const images = Object.entries(parameters).map(([name, { kind }]) => {
    const own = sources[name] ?? [];
    return [name, kind === 'one' ? own[0] : own];
  });
  return Object.fromEntries(images);
}

/** @throws Error if a public route takes images, which count against an account. */
export function route<
  const A extends Access,
  const R extends Readonly<Record<number, ResponseSpec>>,
  const Q extends Schema = NoFields,
  const B extends Schema = NoFields,
  const P extends Properties = Record<never, Schema>,
  const I extends ImageParameters = NoImages,
>(spec: RouteSpec<A, Q, B, P, I, R>): Route {
  const { access, images, handler } = spec;
  if (images && access.by === 'anyone') throw new Error(`${spec.operationId} takes images of anyone`);
  // Sound: values come from validators of these schemas.
  const erased = handler as (request: unknown) => Promise<RouteResponse> | RouteResponse;
  return { ...spec, handler: (request) => erased({ ...request, images: imagesOf(images, request.images) }) };
}
