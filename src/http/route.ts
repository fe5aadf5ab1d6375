/**
 * A route is data: one table registers it, compiles its validators and makes the OpenAPI document. Nothing of the
 * HTTP framework is in here.
 */
import type { AuditActor } from '../access/audit.ts';
import type { Caller } from '../access/caller.ts';
import type { Role } from '../access/roles.ts';
import type { RouteScope } from '../access/scopes.ts';
import type { ErrorCode } from '../errors.ts';

/** A JSON Schema (2020-12) object. */
export type Schema = Readonly<Record<string, unknown>>;

/** The picture of a request, still as it came: the pipeline's threads decode it. */
export interface ImageInput {
  readonly data: Uint8Array;
  readonly encoding: 'binary' | 'base64';
}

/** Brings a picture when it is wanted: one by URL is fetched then. @throws VisageError as `ImageFetcher`. */
export type ImageSource = () => Promise<ImageInput>;

/** The pictures of a request by parameter, in the order given; a parameter that was not given has none. */
export type ImageSources = Readonly<Record<string, readonly ImageSource[] | undefined>>;

/** How a route takes pictures under one name. */
export type ImageParameter =
  /** One picture; in a form a file part of that name. */
  | { readonly kind: 'one'; readonly required: boolean }
  /** A list of pictures, at most `max`; in a form several file parts `images`. */
  | { readonly kind: 'list'; readonly max: number }
  /**
   * A list of objects, at most `max`, each with a picture `image` and the parameters of `item`, which the request's body
   * has under the same name. In a form they are file parts `images`, with each of the parameters repeated in their order.
   */
  | { readonly kind: 'entries'; readonly max: number; readonly item: Schema };

/** The pictures that a route takes, by name. */
export type ImageParameters = Readonly<Record<string, ImageParameter>>;

/** Who may call a route. Nothing is read of a request before that is settled. */
export type Access = PublicAccess | CallerAccess;

/** No credential is asked for, and none is looked at. */
export interface PublicAccess {
  readonly by: 'anyone';
}

export type CallerAccess =
  /** An API key itself, with the scope; not a token of it. */
  | { readonly by: 'key'; readonly scope: RouteScope | null }
  /** An API key with the scope, a token of one, or any member. */
  | { readonly by: 'caller'; readonly scope: RouteScope | null }
  /** A member of at least this role. */
  | { readonly by: 'member'; readonly role: Role }
  /** A member of at least this role, or an API key with the scope, or a token of one. */
  | { readonly by: 'member-or-key'; readonly role: Role; readonly scope: RouteScope };

/** All values of each header, by lower-case name. */
export type RequestHeaders = Readonly<Record<string, readonly string[] | undefined>>;

/** What every handler is given: validated input. */
export interface PublicRequest {
  readonly requestId: string;
  /** The client's address: the connection's, or what a trusted proxy says. */
  readonly address: string;
  readonly headers: RequestHeaders;
  /** What stands in the path for each `{name}` of it; empty without one. */
  readonly params: Readonly<Record<string, string>>;
  /** Query parameters by the route's `query` schema, types coerced and defaults filled in; empty without one. */
  readonly query: Readonly<Record<string, unknown>>;
  /** Body parameters by the route's `body` schema, defaults filled in; empty without one. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the handler of a route that is not for anyone is given: also who is calling. */
export interface RouteRequest extends PublicRequest {
  readonly caller: Caller;
}

/** What the handler of a route with `images` is given: also the pictures. */
export interface ImageRequest extends RouteRequest {
  readonly images: ImageSources;
}

/** What a handler answers. Failures are thrown as `VisageError`. */
export interface RouteResponse {
  readonly status: number;
  /** Sent as JSON, or as it is where the response's `contentType` is another one (then a string). */
  readonly body: unknown;
  /** How many times its price the call costs; by default as many as the route's `units` say. */
  readonly units?: number;
  /** Headers of the answer, such as cookies. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** What the audit log cannot know from the request: the id of what was made, or who has logged in. */
  readonly audit?: {
    readonly target?: string;
    readonly actor?: AuditActor;
    readonly accountId?: string;
  };
}

/** One successful answer of a route, for the OpenAPI document and for tests. */
export interface ResponseSpec {
  readonly description: string;
  readonly schema: Schema;
  /** `application/json` where absent. */
  readonly contentType?: string;
}

interface RouteData {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute, such as `/v1/face/search`; parameters as `{id}`. */
  readonly path: string;
  /** Schemas of the path's parameters, by name; a value that does not match is answered `NOT_FOUND`. */
  readonly params?: Readonly<Record<string, Schema>>;
  readonly operationId: string;
  readonly summary: string;
  /** Longer text of the documentation, in Markdown. */
  readonly description?: string;
  readonly tags: readonly string[];
  /** An object schema with `additionalProperties: false`. */
  readonly query?: Schema;
  /**
   * An object schema with `additionalProperties: false`, without pictures. On image routes the same parameters
   * stand beside them in JSON, as fields of a multipart form, or in the query beside a raw image body.
   */
  readonly body?: Schema;
  /** Parameters of an example's body, where the first examples of all of them do not go together. */
  readonly example?: Readonly<Record<string, unknown>>;
  /** How many times its price a call may cost, by its body; once without it. */
  readonly units?: (body: Readonly<Record<string, unknown>>) => number;
  /** Successful answers by status. */
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  /**
   * Set where success is an administrative act: it is in the audit log, on disk, before it is answered. `target` names
   * the parameters of which the first one given says what it was done to.
   */
  readonly audit?: { readonly action: string; readonly target?: string | readonly string[] };
  /** The codes that this route can answer beyond those that every route of its kind can. */
  readonly errors: readonly ErrorCode[];
}

type Handler<Request> = (request: Request) => Promise<RouteResponse> | RouteResponse;

/** Needs no credential. */
export interface PublicRoute extends RouteData {
  readonly access: PublicAccess;
  readonly images?: undefined;
  readonly handler: Handler<PublicRequest>;
}

/** Needs a credential. */
export interface CallerRoute extends RouteData {
  readonly access: CallerAccess;
  readonly images?: undefined;
  readonly handler: Handler<RouteRequest>;
}

/** Needs a credential, and takes pictures. */
export interface ImageRoute extends RouteData {
  readonly access: CallerAccess;
  readonly images: ImageParameters;
  readonly handler: Handler<ImageRequest>;
}

export type Route = PublicRoute | CallerRoute | ImageRoute;
