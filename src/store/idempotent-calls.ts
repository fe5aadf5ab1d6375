import { createHmac, type Hmac } from 'node:crypto';
import type { Owner } from '../api/caller.ts';
import { Turn } from '../base/turns.ts';
import { CALL_BYTES, changeSizes, isNamedStill, NO_GALLERY, removeCall } from './answer-erasure.ts';
import { findCollection } from './collections.ts';
import type { AnswerRecord, CallKey, CallRecord, Databases, StoreContext } from './databases.ts';

const CALL_LIFETIME_MS = 24 * 3_600_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_NAMES = 1_000;
const MAX_ACCOUNT_BYTES = 32 * 1024 * 1024;
const MAX_TOTAL_BYTES = 256 * 1024 * 1024;
const OWN_STEP = 4;
const STEP = 64;
const PAGE = 256;

export interface CallPlace {
  readonly accountId: string;
  readonly callerId: string;
  readonly mac: string;
}

export interface Names {
  readonly faceIds: readonly string[];
  readonly externalKeys: readonly string[];
}

export interface CallResult {
  readonly owner: Owner;
  readonly collectionId: string | null;
  /** Null if answer or request has a secret. */
  readonly answer: Pick<AnswerRecord, 'status' | 'headers' | 'body'> | null;
  readonly names: Names;
  /** Names in the request, which may not exist. */
  readonly requested: Names;
}

function keyOf({ accountId, callerId, mac }: CallPlace): CallKey {
  return [accountId, callerId, mac];
}

interface CallLimits {
  readonly maxAccountBytes: number;
  readonly maxTotalBytes: number;
}

export class IdempotentCalls {
  readonly #context: StoreContext;
  limits: CallLimits = { maxAccountBytes: MAX_ACCOUNT_BYTES, maxTotalBytes: MAX_TOTAL_BYTES };

  constructor(context: StoreContext) {
    this.#context = context;
  }

  get bytes(): number {
    return this.#context.db.callSizes.get('') ?? 0;
  }

  #secret(): Buffer {
    const secret = this.#context.db.secrets.get('idempotency');
    if (!secret) throw new Error('The store has no secret for calls');
    return secret;
  }

  mac(...texts: readonly string[]): string {
    return createHmac('sha256', this.#secret()).update(JSON.stringify(texts)).digest('base64url');
  }

  /** With the `Idempotency-Key`, or the store alone could prove that someone sent an image. */
  fingerprint(idempotencyKey: string): Hmac {
    return createHmac('sha256', this.mac('fingerprint', idempotencyKey));
  }

  get(place: CallPlace, now: number): CallRecord | null {
    const record = this.#context.db.calls.get(keyOf(place));
    return record && now - record.at < CALL_LIFETIME_MS ? record : null;
  }

  /** Null if a face in the answer is gone. */
  answer(place: CallPlace, { gallery }: CallRecord): AnswerRecord | null {
    const { db } = this.#context;
    const answer = gallery === undefined ? undefined : db.answers.get([gallery, ...keyOf(place)]);
    return answer && isNamedStill(db, gallery ?? NO_GALLERY, answer) ? answer : null;
  }

  /** Call inside each of the call's transactions. */
  mark(place: CallPlace, call: Pick<CallRecord, 'at' | 'bounds' | 'fingerprint'>): void {
    const { db } = this.#context;
    if (db.calls.get(keyOf(place))?.at === call.at) return;
    this.#put(place, { ...call, size: CALL_BYTES, state: 'unfinished' });
  }

  finish(
    place: CallPlace,
    call: Pick<CallRecord, 'at' | 'bounds' | 'fingerprint'>,
    { owner, collectionId, answer, names, requested }: CallResult,
  ): void {
    const { db } = this.#context;
    if (answer === null) {
      const { fingerprint: _, ...rest } = call;
      this.#put(place, { ...rest, size: CALL_BYTES, state: 'secret' });
      return;
    }
    const collection = collectionId === null ? undefined : findCollection(db, owner, collectionId);
    const found = collection && existing(db, collection.gallery, requested);
    const faceIds = [...new Set([...names.faceIds, ...(found?.faceIds ?? [])])];
    const externalKeys = [...new Set([...names.externalKeys, ...(found?.externalKeys ?? [])])];
    const count = faceIds.length + externalKeys.length;
    const gallery = count === 0 ? NO_GALLERY : collection?.gallery;
    const size = CALL_BYTES + Buffer.byteLength(answer.body) + CALL_BYTES * count;
    const isKept =
      gallery !== undefined &&
      count <= MAX_NAMES &&
      Buffer.byteLength(answer.body) <= MAX_ANSWER_BYTES &&
      isNamedStill(db, gallery, { faceIds, externalKeys });
    if (!isKept) {
      this.#put(place, { ...call, size: CALL_BYTES, state: 'unkept' });
      return;
    }
    this.#put(place, { ...call, size, state: 'answered', gallery });
    const key = keyOf(place);
    db.answers.put([gallery, ...key], { ...answer, faceIds, externalKeys });
    for (const name of [...faceIds, ...externalKeys]) db.answersByFace.put([gallery, name, ...key], true);
  }

  keep(...parts: Parameters<IdempotentCalls['finish']>): Promise<void> {
    return this.#context.write(() => this.finish(...parts));
  }

  #put(place: CallPlace, record: CallRecord): void {
    const { db } = this.#context;
    const key = keyOf(place);
    const { accountId, callerId, mac } = place;
    const old = db.calls.get(key);
    if (old) removeCall(db, key, old);
    db.calls.put(key, record);
    db.callQueue.put([accountId, record.at, callerId, mac], true);
    changeSizes(db, accountId, record.size);
    const isFull = () => (db.callSizes.get(accountId) ?? 0) > this.limits.maxAccountBytes;
    removeOldest(db, accountId, OWN_STEP, (at) => at < record.at && (isFull() || isOld(at, record.at)));
  }

  async trim(now: number, isStopped: () => boolean = () => false): Promise<void> {
    const { db, writeStep } = this.#context;
    const turn = new Turn();
    const sizes: { readonly accountId: string; bytes: number }[] = [];
    for (let after = ''; ; ) {
      const page = Array.from(db.callSizes.getRange({ start: after, exclusiveStart: true, limit: PAGE }));
      for (const { key: accountId, value: bytes } of page) {
        sizes.push({ accountId, bytes });
        const step = () => removeOldest(db, accountId, STEP, (at) => isOld(at, now));
        while (!isStopped() && hasOld(db, accountId, now)) await writeStep(step);
      }
      after = page.at(-1)?.key ?? after;
      if (page.length < PAGE) break;
      if (turn.isOver) await turn.next();
    }
    const isFull = () => this.bytes > this.limits.maxTotalBytes;
    while (!isStopped() && isFull()) {
      const largest = sizes.reduce((a, b) => (b.bytes > a.bytes ? b : a), { accountId: '', bytes: 0 });
      const removed = await writeStep(() => removeOldest(db, largest.accountId, STEP, isFull));
      if (removed === 0) return;
      largest.bytes = db.callSizes.get(largest.accountId) ?? 0;
      if (turn.isOver) await turn.next();
    }
  }
}

function isOld(at: number, now: number): boolean {
  return now - at >= CALL_LIFETIME_MS;
}

function oldestOf(db: Databases, accountId: string, limit: number) {
  const range = { start: [accountId, 0], end: [accountId, Number.MAX_SAFE_INTEGER], limit } as never;
  return Array.from(db.callQueue.getKeys(range));
}

function hasOld(db: Databases, accountId: string, now: number): boolean {
  return oldestOf(db, accountId, 1).some(([, at]) => isOld(at, now));
}

function removeOldest(
  db: Databases,
  accountId: string,
  limit: number,
  isDue: (at: number) => boolean,
): number {
  let removed = 0;
  for (const [, at, callerId, mac] of oldestOf(db, accountId, limit)) {
    if (!isDue(at)) break;
    const key: CallKey = [accountId, callerId, mac];
    const record = db.calls.get(key);
    if (record?.at === at) removeCall(db, key, record);
    else db.callQueue.remove([accountId, at, callerId, mac]);
    removed++;
  }
  return removed;
}

function existing(db: Databases, gallery: number, { faceIds, externalKeys }: Names): Names {
  const isNamed = (names: Partial<Names>) =>
    isNamedStill(db, gallery, { faceIds: [], externalKeys: [], ...names });
  return {
    faceIds: faceIds.filter((faceId) => isNamed({ faceIds: [faceId] })),
    externalKeys: externalKeys.filter((externalKey) => isNamed({ externalKeys: [externalKey] })),
  };
}
