/** Codes are part of the API contract: their meaning never changes. */

export const ERRORS = {
  VALIDATION_FAILED: { status: 400, title: 'The request is not valid' },
  INVALID_IMAGE: { status: 400, title: 'The image cannot be read' },
  IMAGE_TOO_LARGE: { status: 400, title: 'The image is too large' },
  UNSUPPORTED_IMAGE: { status: 400, title: 'The image format is not supported' },
  IMAGE_URL_FORBIDDEN: { status: 400, title: 'Fetching images by URL is not allowed' },
  IMAGE_URL_FAILED: { status: 400, title: 'The image could not be fetched' },
  EXTERNAL_KEY_CONFLICT: { status: 400, title: 'The external key belongs to another face' },
  AUTHENTICATION_REQUIRED: { status: 401, title: 'Authentication is required' },
  INVALID_API_KEY: { status: 401, title: 'The API key is not valid' },
  API_KEY_EXPIRED: { status: 401, title: 'The API key has expired' },
  TOKEN_INVALID: { status: 401, title: 'The token is not valid' },
  TOKEN_EXPIRED: { status: 401, title: 'The token has expired' },
  INVALID_CREDENTIALS: { status: 401, title: 'The credentials are not valid' },
  INSUFFICIENT_CREDITS: { status: 402, title: 'Payment required' },
  IP_NOT_ALLOWED: { status: 403, title: 'The client address is not allowed' },
  SCOPE_DENIED: { status: 403, title: 'The API key lacks the required scope' },
  COLLECTION_NOT_ALLOWED: { status: 403, title: 'The API key may not use this collection' },
  FACE_NOT_ALLOWED: { status: 403, title: 'The API key may not use this face' },
  MODEL_NOT_ALLOWED: { status: 403, title: 'The API key may not use this model' },
  ACCOUNT_NOT_FOUND: { status: 403, title: 'The account does not exist' },
  CONFIRMATION_REQUIRED: { status: 403, title: 'The password must be confirmed' },
  PERMISSION_DENIED: { status: 403, title: 'Permission denied' },
  COLLECTION_NOT_FOUND: { status: 404, title: 'The collection does not exist' },
  FACE_NOT_FOUND: { status: 404, title: 'The face does not exist' },
  NOT_FOUND: { status: 404, title: 'Not found' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request took too long to arrive' },
  COLLECTION_ALREADY_EXISTS: { status: 409, title: 'The collection already exists' },
  IDEMPOTENCY_CONFLICT: { status: 409, title: 'The request ran before, and has no answer to repeat' },
  PRECONDITION_FAILED: { status: 412, title: 'The precondition does not hold' },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The request body is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The media type is not supported' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: 'The Idempotency-Key belongs to another request' },
  RATE_LIMIT_EXCEEDED: { status: 429, title: 'Too many requests' },
  HEADERS_TOO_LARGE: { status: 431, title: 'The request headers are too large' },
  INTERNAL_ERROR: { status: 500, title: 'Internal error' },
  OVERLOADED: { status: 503, title: 'The appliance is busy' },
  NOT_READY: { status: 503, title: 'The appliance is not ready' },
  STORAGE_READ_ONLY: { status: 503, title: 'The store accepts no writes' },
} as const;

export type ErrorCode = keyof typeof ERRORS;

export interface FieldError {
  /** JSON pointer or parameter name, such as `/faceMatchThreshold`. */
  readonly path: string;
  readonly message: string;
}

/** The API answers it as problem+json. `detail` never holds a secret, a path or an image. */
export class VisageError extends Error {
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[] | undefined;
  /** Seconds; undefined: the code's default. */
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, detail: string, errors?: readonly FieldError[], retryAfter?: number) {
    super(detail);
    this.name = 'VisageError';
    this.code = code;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}
