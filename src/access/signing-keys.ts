/** The RSA keys that tokens are signed with: made, kept, rotated, published. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { VisageError } from '../errors.ts';

export const SIGNING_KEY_BITS = 3072;

/** No token lives longer, seconds; so long a key verifies after the next one has taken its place. */
export const LONGEST_TOKEN = 3600;

/** Names of the systemd credentials that stand in for the folder: the key that signs, and one that only verifies. */
const CREDENTIAL = 'visage-signing-key';
const PREVIOUS_CREDENTIAL = 'visage-signing-key-previous';

/** A key as RFC 7517 publishes it. */
export interface PublicJwk {
  readonly kty: 'RSA';
  readonly use: 'sig';
  readonly alg: 'RS512';
  readonly kid: string;
  readonly n: string;
  readonly e: string;
}

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: PublicJwk;
  /** When the next key took its place, milliseconds since 1970; null for the one that signs. */
  readonly retiredAt: number | null;
}

/** PEM of a new private key, computed on a thread of its own: seconds of work at worst. */
function generate(): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./signing-key-worker.js', import.meta.url));
    worker.once('message', resolve).once('error', reject);
    worker.once('exit', () => reject(new Error('The key could not be made')));
  });
}

/** @param from where the text is from, for the error. @throws Error in words for the operator. */
function parse(pem: string, from: string, retiredAt: number | null): SigningKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    throw new Error(`The signing key in ${from} is not a private key in PEM.`);
  }
  const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0;
  if (privateKey.asymmetricKeyType !== 'rsa' || bits < SIGNING_KEY_BITS) {
    throw new Error(`The signing key in ${from} must be an RSA key of at least ${SIGNING_KEY_BITS} bits.`);
  }
  const publicKey = createPublicKey(privateKey);
  const { n, e } = publicKey.export({ format: 'jwk' }) as { n: string; e: string };
  const kid = thumbprint(n, e);
  return {
    kid,
    privateKey,
    publicKey,
    retiredAt,
    jwk: { kty: 'RSA', use: 'sig', alg: 'RS512', kid, n, e },
  };
}

/** RFC 7638 thumbprint of an RSA key: SHA-256 of its required members in the order of their names. */
function thumbprint(n: string, e: string): string {
  return createHash('sha256')
    .update(JSON.stringify({ e, kty: 'RSA', n }))
    .digest('base64url');
}

/** The folder's keys are named for when they were made, so that their names sort by age. */
function fileName(createdAt: number): string {
  return `${String(createdAt).padStart(15, '0')}.pem`;
}

function createdAtOf(name: string): number | null {
  const digits = /^(\d{15})\.pem$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** Oldest first; each is retired when the next was made. @throws Error for a key that others may read. */
function readFolder(folder: string): SigningKey[] {
  const times = readdirSync(folder)
    .flatMap((name) => createdAtOf(name) ?? [])
    .sort((a, b) => a - b);
  return times.map((time, at) => {
    const file = join(folder, fileName(time));
    if ((statSync(file).mode & 0o077) !== 0) {
      throw new Error(`The signing key ${file} can be read by others: make its mode 0600, then rotate.`);
    }
    return parse(readFileSync(file, 'utf8'), file, times[at + 1] ?? null);
  });
}

/** Writes a new key into the folder, whole or not at all. */
async function addToFolder(folder: string, createdAt: number): Promise<void> {
  const file = join(folder, fileName(createdAt));
  await writeFile(`${file}.new`, await generate(), { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}

/**
 * The keys of one appliance: the newest signs, older ones verify until the longest token that they signed has
 * expired. They are kept as PKCS #8 in `<data folder>/signing-keys`, or given by systemd as credentials.
 */
export class SigningKeys {
  readonly #now: () => number;
  /** Null where the keys are credentials. */
  readonly #folder: string | null;
  #keys: readonly SigningKey[];
  #rotating: Promise<unknown> = Promise.resolve();

  /**
   * Reads the keys; the first run makes one.
   * @param dataFolder held by this process. @param credentials systemd's `$CREDENTIALS_DIRECTORY`, if it is set.
   * @throws Error in words for the operator, where a key cannot be used.
   */
  static async open(
    dataFolder: string,
    { now = Date.now, credentials }: { now?: () => number; credentials?: string | undefined } = {},
  ): Promise<SigningKeys> {
    const credential = credentials === undefined ? null : join(credentials, CREDENTIAL);
    if (credential !== null && existsSync(credential)) {
      const previous = join(credentials ?? '', PREVIOUS_CREDENTIAL);
      const keys = [parse(readFileSync(credential, 'utf8'), `the credential ${CREDENTIAL}`, null)];
      if (existsSync(previous)) {
        const from = `the credential ${PREVIOUS_CREDENTIAL}`;
        // When it was retired is not known: not before this start.
        keys.unshift(parse(readFileSync(previous, 'utf8'), from, now()));
      }
      return new SigningKeys(null, keys, now);
    }
    const folder = join(dataFolder, 'signing-keys');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    if (readFolder(folder).length === 0) await addToFolder(folder, now());
    return new SigningKeys(folder, readFolder(folder), now);
  }

  private constructor(folder: string | null, keys: readonly SigningKey[], now: () => number) {
    this.#folder = folder;
    this.#keys = keys;
    this.#now = now;
  }

  /** The key that signs. */
  get signing(): SigningKey {
    const newest = this.#keys.at(-1);
    if (!newest) throw new Error('There is no signing key');
    return newest;
  }

  /** The keys whose tokens may still be alive, oldest first. */
  get verifying(): SigningKey[] {
    return this.#keys.filter(
      ({ retiredAt }) => retiredAt === null || this.#now() < retiredAt + LONGEST_TOKEN * 1000,
    );
  }

  /**
   * Makes a key that signs from now on, and removes those that verify nothing any more.
   * @throws VisageError `PERMISSION_DENIED` where the keys are credentials.
   */
  rotate(): Promise<SigningKey> {
    const folder = this.#folder;
    if (folder === null) {
      const how = `Put the present key into ${PREVIOUS_CREDENTIAL}, a new one into ${CREDENTIAL}, and restart.`;
      throw new VisageError('PERMISSION_DENIED', `The signing keys are systemd credentials. ${how}`);
    }
    const rotated = this.#rotating.then(async () => {
      const newest = readdirSync(folder).flatMap((name) => createdAtOf(name) ?? 0);
      await addToFolder(folder, Math.max(this.#now(), ...newest.map((time) => time + 1)));
      this.#keys = readFolder(folder);
      const alive = new Set(this.verifying.map(({ kid }) => kid));
      const times = readdirSync(folder)
        .flatMap((name) => createdAtOf(name) ?? [])
        .sort((a, b) => a - b);
      this.#keys.forEach(({ kid }, at) => {
        if (!alive.has(kid)) rmSync(join(folder, fileName(times[at] as number)));
      });
      return this.signing;
    });
    this.#rotating = rotated.catch(() => {});
    return rotated;
  }
}
