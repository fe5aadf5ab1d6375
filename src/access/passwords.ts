/** Passwords: what may be one, and their Argon2id hashes, computed on a thread of their own. */
import { Worker } from 'node:worker_threads';
import { VisageError } from '../errors.ts';

const MIN_LENGTH = 8;
const MAX_LENGTH = 256;

/** Passwords that may wait for the thread: about two seconds of work, after which a client has given up anyway. */
const MAX_WAITING = 64;

/**
 * Parameters of new hashes: 19 MiB of memory, two passes, one lane, the least that OWASP's Password Storage Cheat
 * Sheet asks of Argon2id (RFC 9106). `memory` is in KiB.
 */
export const ARGON2 = { memory: 19_456, passes: 2, lanes: 1, hashBytes: 32 } as const;

/** A hash of nothing, of the same cost as a real one: what an unknown e-mail's password is compared with. */
const NOBODY = `$argon2id$v=19$m=${ARGON2.memory},t=${ARGON2.passes},p=${ARGON2.lanes}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** One piece of work for the thread. */
export type PasswordJob =
  | { readonly id: number; readonly password: string; readonly kind: 'hash' }
  | { readonly id: number; readonly password: string; readonly kind: 'verify'; readonly hash: string };

/** What the thread answers: the hash, or whether the password fits; null if it failed. */
export interface PasswordResult {
  readonly id: number;
  readonly value: string | boolean | null;
}

/** The same characters typed on another keyboard are the same password. */
function normalized(password: string): string {
  return password.normalize('NFKC');
}

/**
 * Checks a new password: 8 to 256 characters of any script after NFKC, and not the e-mail.
 * @param path JSON pointer of the field, for the error. @throws VisageError `VALIDATION_FAILED`.
 */
export function checkPassword(password: string, email: string, path: string): void {
  const text = normalized(password);
  const { length } = [...text];
  const message =
    length < MIN_LENGTH || length > MAX_LENGTH
      ? `must have ${MIN_LENGTH} to ${MAX_LENGTH} characters`
      : text.toLowerCase() === email
        ? 'must not be the e-mail'
        : null;
  if (message !== null)
    throw new VisageError('VALIDATION_FAILED', `${path}: ${message}.`, [{ path, message }]);
}

/**
 * Hashes and compares passwords, one at a time, on one thread that is started when it is first needed. So however
 * many clients log in at once, they take one core and 19 MiB.
 */
export class Passwords {
  readonly #waiting = new Map<
    number,
    { resolve(value: string | boolean): void; reject(error: Error): void }
  >();
  #worker: Worker | null = null;
  #nextId = 0;

  /** @returns PHC string of Argon2id with a random salt. @throws VisageError `OVERLOADED`. */
  async hash(password: string): Promise<string> {
    return String(await this.#run({ id: this.#nextId++, kind: 'hash', password: normalized(password) }));
  }

  /**
   * Whether a password is the one of a hash. Without a hash the same work is done, and the answer is no.
   * @throws VisageError `OVERLOADED`.
   */
  async verify(hash: string | null, password: string): Promise<boolean> {
    const job = {
      id: this.#nextId++,
      kind: 'verify',
      hash: hash ?? NOBODY,
      password: normalized(password),
    } as const;
    return (await this.#run(job)) === true && hash !== null;
  }

  /** Ends the thread. What waits is refused. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #run(job: PasswordJob): Promise<string | boolean> {
    if (this.#waiting.size >= MAX_WAITING) {
      return Promise.reject(new VisageError('OVERLOADED', 'Too many passwords wait to be checked.'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(job.id, { resolve, reject });
      const worker = this.#started();
      worker.ref();
      worker.postMessage(job);
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
