/**
 * A route is data: one table registers it, compiles its validators and makes the OpenAPI document.
 */
import type { Caller } from '../access/caller.ts';

/** A JSON Schema (2020-12) object. */
export type Schema = Readonly<Record<string, unknown>>;

/** The picture of a request, still as it came: the pipeline's threads decode it. */
export interface ImageInput {
  readonly data: Uint8Array;
  readonly encoding: 'binary' | 'base64';
}

/** What a handler is given: validated input and who is calling. */
export interface RouteRequest {
  readonly caller: Caller;
  readonly requestId: string;
  /** Query parameters, validated and coerced by `querySchema`. */
  readonly query: Readonly<Record<string, unknown>>;
  /** Body fields (without `image`), validated by `bodySchema`; for raw images the query's parameters. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The picture, where the route takes one. */
  readonly image: ImageInput | null;
}
