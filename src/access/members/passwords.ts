import { Worker } from 'node:worker_threads';
import { VisageError } from '../../errors.ts';

const MIN_LENGTH = 8;
const MAX_LENGTH = 256;

const MIN_WORD_LENGTH = 4;

/** About two seconds of work. */
const MAX_WAITING = 64;

/** OWASP's minimum for Argon2id (RFC 9106). `memory` in KiB. */
export const ARGON2 = { memory: 19_456, passes: 2, lanes: 1, hashBytes: 32 } as const;

const UNMATCHABLE_HASH = `$argon2id$v=19$m=${ARGON2.memory},t=${ARGON2.passes},p=${ARGON2.lanes}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

export type PasswordJob = { readonly id: number; readonly password: string } & (
  | { readonly kind: 'screen' }
  | { readonly kind: 'hash' }
  | { readonly kind: 'find'; readonly hashes: readonly string[] }
);

/** Whether a password is common, a hash, or an index; null on failure. */
export interface PasswordResult {
  readonly id: number;
  readonly value: boolean | string | number | null;
}

type Value = NonNullable<PasswordResult['value']>;

type Work = PasswordJob extends infer Job ? (Job extends PasswordJob ? Omit<Job, 'id'> : never) : never;

function normalized(password: string): string {
  return password.normalize('NFKC');
}

export function withoutBlanks(text: string): string {
  return text.replaceAll(/[\s\p{Cc}\p{Default_Ignorable_Code_Point}]+/gu, '');
}

function invalid(path: string, message: string): VisageError {
  return new VisageError('VALIDATION_FAILED', `${path}: ${message}.`, [{ path, message }]);
}

function wordsOf({ email, names }: PasswordOwner): ReadonlySet<string> {
  const [local = '', host = ''] = email.split('@');
  const parts = [email, local, host, ...local.split(/[._+-]+/), ...host.split('.'), 'visage'];
  const texts = [...parts, ...names.flatMap((name) => [name, ...name.split(/\s+/)])];
  const words = texts.map((text) => withoutBlanks(normalized(text).toLowerCase()));
  return new Set(
    words.flatMap((word) => [word, core(word)]).filter((word) => word.length >= MIN_WORD_LENGTH),
  );
}

/** Without digits and punctuation around it. */
function core(text: string): string {
  return text.replaceAll(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
}

export interface PasswordOwner {
  readonly email: string;
  readonly names: readonly string[];
}

/**
 * NIST SP 800-63B: 8 to 256 characters after NFKC, no word of owner or product with digits or punctuation
 * around it.
 * @param path JSON pointer.
 * @throws `VALIDATION_FAILED`.
 */
export function checkPassword(password: string, owner: PasswordOwner, path: string): void {
  const text = normalized(password);
  const { length } = [...text];
  if (length < MIN_LENGTH || length > MAX_LENGTH) {
    throw invalid(path, `expected ${MIN_LENGTH} to ${MAX_LENGTH} characters, got ${length}`);
  }
  const bare = withoutBlanks(text.toLowerCase());
  const words = wordsOf(owner);
  if (words.has(bare) || words.has(core(bare))) {
    throw invalid(path, 'must not be your e-mail, your name or "visage", with or without digits around it');
  }
}

/** One worker thread, so log-ins take at most one core and 19 MiB. */
export class Passwords {
  readonly #waiting = new Map<
    number,
    { readonly hashes: number; resolve(value: Value): void; reject(error: Error): void }
  >();
  #worker: Worker | null = null;
  #nextId = 0;

  /**
   * Returns a PHC string of Argon2id.
   * @throws `OVERLOADED`.
   */
  async hash(password: string): Promise<string> {
    return String(await this.#run({ kind: 'hash', password: normalized(password) }, 1));
  }

  /**
   * Refuses the 18,000 most common passwords and monotonous ones.
   * @throws `VALIDATION_FAILED`, `OVERLOADED`.
   */
  async hashNew(password: string, path: string): Promise<string> {
    if ((await this.#run({ kind: 'screen', password: normalized(password) }, 1)) === true) {
      throw invalid(path, 'is a common password, or a sequence or repetition of characters: choose another');
    }
    return this.hash(password);
  }

  /**
   * @returns the first matching hash's index, or -1. A null takes as long as a hash.
   * @throws `OVERLOADED`.
   */
  async find(hashes: readonly (string | null)[], password: string): Promise<number> {
    const known = hashes.map((hash) => hash ?? UNMATCHABLE_HASH);
    const work = { kind: 'find', hashes: known, password: normalized(password) } as const;
    const index = Number(await this.#run(work, hashes.length));
    return hashes[index] === null ? -1 : index;
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #run(work: Work, hashes: number): Promise<Value> {
    let load = hashes;
    for (const each of this.#waiting.values()) load += each.hashes;
    if (load > MAX_WAITING) {
      return Promise.reject(
        new VisageError('OVERLOADED', 'Too many log-ins are waiting. Try again in a few seconds.'),
      );
    }
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, { hashes, resolve, reject });
      const worker = this.#started();
      worker.ref();
      worker.postMessage({ id, ...work } satisfies PasswordJob);
    });
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL('./password-worker.js', import.meta.url));
    worker.on('message', ({ id, value }: PasswordResult) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) worker.unref();
      if (value === null) waiting?.reject(new Error('A password could not be hashed'));
      else waiting?.resolve(value);
    });
    const end = () => {
      this.#worker = null;
      for (const { reject } of this.#waiting.values()) reject(new Error('The password thread ended'));
      this.#waiting.clear();
    };
    worker.on('error', end).on('exit', end);
    this.#worker = worker;
    return worker;
  }
}
