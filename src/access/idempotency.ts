import type { Hmac } from 'node:crypto';
import type { Caller } from '../api/caller.ts';
import { REPLAYED_HEADER } from '../api/idempotency-key.ts';
import type { Route, RouteRequest, RouteResponse } from '../api/route.ts';
import { Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import type { CallRecord } from '../store/databases.ts';
import type { CallPlace, CallResult, Names } from '../store/idempotent-calls.ts';
import type { Store } from '../store/store.ts';

const SLICE = 1024 * 1024;
const TRIM_INTERVAL_MS = 10 * 60_000;
const RETRY_SECONDS = 1;
const MAX_DEPTH = 8;

export interface IdempotencyParts {
  readonly store: Pick<Store, 'calls'>;
  readonly now: () => number;
}

export interface IdempotentRequest {
  readonly route: Route;
  readonly request: RouteRequest & { readonly caller: Caller };
  readonly key: string;
  /** Parts that a retry must repeat. */
  readonly pieces: () => readonly Uint8Array[];
}

/** @param settling call inside the charging transaction, if any. */
export type RunRequest = (
  request: RouteRequest,
  settling?: (response: RouteResponse) => void,
) => Promise<RouteResponse>;

type State = Exclude<CallRecord['state'], 'answered'>;

const REASONS: Readonly<Record<State | 'running' | 'bounds', string>> = {
  running: 'is still running. Send the request again in a second',
  unfinished: 'changed data, but ended without an answer. Look at the data, then send a new Idempotency-Key',
  unkept: 'succeeded, but its answer was too large to keep. Read the data instead',
  secret: 'succeeded. Its secret was shown once and is not kept',
  erased: 'succeeded, but its answer named a face that was deleted since',
  bounds: 'ran with other limits of the caller. Read the data instead',
};

function conflict(reason: keyof typeof REASONS, retryAfter?: number): VisageError {
  return new VisageError(
    'IDEMPOTENCY_CONFLICT',
    `The first request with this Idempotency-Key ${REASONS[reason]}.`,
    undefined,
    retryAfter,
  );
}

function checkSame(first: string | undefined, now: string | undefined): void {
  if (first === undefined || now === undefined || first === now) return;
  throw new VisageError(
    'IDEMPOTENCY_KEY_REUSED',
    'Another request was sent with this Idempotency-Key. Send a new key with each new request.',
  );
}

export class Idempotency {
  readonly #parts: IdempotencyParts;
  readonly #running = new Map<string, string | undefined>();
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;
  #trimming: Promise<void> = Promise.resolve();

  constructor(parts: IdempotencyParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.trim(), TRIM_INTERVAL_MS).unref();
    this.trim();
  }

  trim(): void {
    const { store, now } = this.#parts;
    this.#trimming = this.#trimming.then(() => store.calls.trim(now(), () => this.#isClosed)).catch(() => {});
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#trimming;
  }

  /**
   * Each transaction marks the call: no retry repeats it after a crash.
   * @throws `IDEMPOTENCY_CONFLICT`, `IDEMPOTENCY_KEY_REUSED`; errors of `run`.
   */
  async run(asked: IdempotentRequest, run: RunRequest): Promise<RouteResponse> {
    const { store, now } = this.#parts;
    const { calls } = store;
    const { route, request } = asked;
    const { caller } = request;
    const place: CallPlace = {
      accountId: caller.accountId,
      callerId: caller.key?.id ?? caller.member?.id ?? '',
      mac: calls.mac('key', route.operationId, asked.key),
    };
    // The store must not hold a password's hash.
    const fingerprint = route.secret ? undefined : await this.#fingerprintOf(asked);
    const bounds = calls.mac('bounds', JSON.stringify(boundsOf(caller)));
    // No await until `set`: only one of parallel requests runs.
    const name = `${place.callerId} ${place.mac}`;
    if (this.#running.has(name)) {
      checkSame(this.#running.get(name), fingerprint);
      throw conflict('running', RETRY_SECONDS);
    }
    const at = now();
    const known = calls.get(place, at);
    if (known) {
      checkSame(known.fingerprint, fingerprint);
      return this.#repeat(place, known, bounds, request);
    }
    this.#running.set(name, fingerprint);
    const call = { at, bounds, ...(fingerprint === undefined ? {} : { fingerprint }) };
    let isKept = false;
    const confirm = () => {
      caller.confirm?.();
      calls.mark(place, call);
    };
    try {
      const response = await run({ ...request, caller: { ...caller, confirm } }, (settled) => {
        calls.finish(place, call, resultOf(asked, settled));
        isKept = true;
      });
      if (!isKept) await calls.keep(place, call, resultOf(asked, response)).catch(() => {});
      return response;
    } finally {
      this.#running.delete(name);
    }
  }

  #repeat(place: CallPlace, known: CallRecord, bounds: string, request: RouteRequest): RouteResponse {
    if (known.bounds !== bounds) throw conflict('bounds');
    request.reauthorize();
    if (known.state !== 'answered') throw conflict(known.state);
    const answer = this.#parts.store.calls.answer(place, known);
    if (!answer) throw conflict('erased');
    const { status, headers, body } = answer;
    return {
      status,
      body: body === '' ? null : JSON.parse(body),
      headers: { ...headers, [REPLAYED_HEADER]: 'true' },
    };
  }

  async #fingerprintOf({ route, request, key, pieces }: IdempotentRequest): Promise<string> {
    const hmac = this.#parts.store.calls.fingerprint(key);
    const turn = new Turn();
    const texts = JSON.stringify([route.operationId, request.params, request.query]);
    for (const piece of [Buffer.from(texts), ...pieces()]) {
      hashLength(hmac, piece.length);
      for (let from = 0; from < piece.length; from += SLICE) {
        hmac.update(piece.subarray(from, from + SLICE));
        if (turn.isOver) await turn.next();
      }
    }
    return hmac.digest('base64url');
  }
}

function hashLength(hmac: Hmac, length: number): void {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(length);
  hmac.update(bytes);
}

function boundsOf({ environment, collectionId, allowedExternalKeys, allowedModels }: Caller): unknown {
  return [environment, collectionId, allowedExternalKeys, allowedModels];
}

function resultOf({ route, request }: IdempotentRequest, response: RouteResponse): CallResult {
  const { caller, body, query } = request;
  const collectionId = body.collectionId ?? query.collectionId;
  const { 'Set-Cookie': _, ...headers } = response.headers ?? {};
  const text = response.status === 204 ? '' : JSON.stringify(response.body ?? null);
  return {
    owner: caller,
    collectionId: typeof collectionId === 'string' ? collectionId : null,
    answer: route.secret ? null : { status: response.status, headers, body: text },
    names: namesIn(response.body),
    requested: namesIn(body),
  };
}

export function namesIn(value: unknown): Names {
  const faceIds = new Set<string>();
  const externalKeys = new Set<string>();
  const visit = (item: unknown, depth: number): void => {
    if (typeof item !== 'object' || item === null || depth > MAX_DEPTH) return;
    for (const [name, inner] of Object.entries(item)) {
      const texts = [inner].flat().filter((text): text is string => typeof text === 'string' && text !== '');
      if (/faceIds?$/i.test(name)) for (const text of texts) faceIds.add(text);
      else if (/externalKeys?$/i.test(name)) for (const text of texts) externalKeys.add(text);
      visit(inner, depth + 1);
    }
  };
  visit(value, 0);
  return { faceIds: [...faceIds], externalKeys: [...externalKeys] };
}
