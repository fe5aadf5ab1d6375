/**
 * A route is data: one table registers it, compiles its validators and makes the OpenAPI document. Nothing of the
 * HTTP framework is in here.
 */
import type { Caller } from '../access/caller.ts';
import type { ErrorCode } from '../errors.ts';

/** A JSON Schema (2020-12) object. */
export type Schema = Readonly<Record<string, unknown>>;

/** The picture of a request, still as it came: the pipeline's threads decode it. */
export interface ImageInput {
  readonly data: Uint8Array;
  readonly encoding: 'binary' | 'base64';
}

/** What every handler is given: validated input. */
export interface PublicRequest {
  readonly requestId: string;
  /** Query parameters by the route's `query` schema, types coerced and defaults filled in; empty without one. */
  readonly query: Readonly<Record<string, unknown>>;
  /** Body parameters by the route's `body` schema, defaults filled in; empty without one. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the handler of a route with `access: 'api-key'` is given: also who is calling. */
export interface RouteRequest extends PublicRequest {
  readonly caller: Caller;
}

/** What the handler of a route with `image: 'required'` is given: also the picture. */
export interface ImageRequest extends RouteRequest {
  readonly image: ImageInput;
}

/** What a handler answers. Failures are thrown as `VisageError`. */
export interface RouteResponse {
  readonly status: number;
  /** Sent as JSON, or as it is where the response's `contentType` is another one (then a string). */
  readonly body: unknown;
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
  readonly operationId: string;
  readonly summary: string;
  /** Longer text of the documentation, in Markdown. */
  readonly description?: string;
  readonly tags: readonly string[];
  /** An object schema with `additionalProperties: false`. */
  readonly query?: Schema;
  /**
   * An object schema with `additionalProperties: false`, without `image`. On image routes the same parameters stand
   * beside `image` in JSON, as fields of a multipart form, or in the query beside a raw image body.
   */
  readonly body?: Schema;
  /** Successful answers by status. */
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  /** The codes that this route can answer beyond those that every route of its kind can. */
  readonly errors: readonly ErrorCode[];
}

type Handler<Request> = (request: Request) => Promise<RouteResponse> | RouteResponse;

/** Needs no credential. */
export interface PublicRoute extends RouteData {
  readonly access: 'public';
  readonly image?: undefined;
  readonly handler: Handler<PublicRequest>;
}

/** Needs an API key. */
export interface KeyRoute extends RouteData {
  readonly access: 'api-key';
  readonly image?: undefined;
  readonly handler: Handler<RouteRequest>;
}

/** Needs an API key and a picture. */
export interface ImageRoute extends RouteData {
  readonly access: 'api-key';
  readonly image: 'required';
  readonly handler: Handler<ImageRequest>;
}

export type Route = PublicRoute | KeyRoute | ImageRoute;
