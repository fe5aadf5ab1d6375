import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { VisageError } from '../../errors.ts';

export const SIGNING_KEY_BITS = 3072;

/** Seconds; a retired key verifies for as long. */
export const LONGEST_TOKEN = 3600;

const CREDENTIAL = 'visage-signing-key';
const PREVIOUS_CREDENTIAL = 'visage-signing-key-previous';

/** RFC 7517. */
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
  /** Null for the signing key. */
  readonly retiredAt: number | null;
}

function generate(): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./signing-key-worker.js', import.meta.url));
    worker.once('message', resolve).once('error', reject);
    worker.once('exit', () => reject(new Error('The key worker exited without a key')));
  });
}

function parse(pem: string, from: string, retiredAt: number | null): SigningKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    throw new Error(`Signing key in ${from}: expected a private key in PEM.`);
  }
  const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0;
  if (privateKey.asymmetricKeyType !== 'rsa' || bits < SIGNING_KEY_BITS) {
    throw new Error(
      `Signing key in ${from}: expected RSA with at least ${SIGNING_KEY_BITS} bits, got ${privateKey.asymmetricKeyType} with ${bits}.`,
    );
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

/** RFC 7638. */
function thumbprint(n: string, e: string): string {
  return createHash('sha256')
    .update(JSON.stringify({ e, kty: 'RSA', n }))
    .digest('base64url');
}

function fileName(createdAt: number): string {
  return `${String(createdAt).padStart(15, '0')}.pem`;
}

function createdAtOf(name: string): number | null {
  const digits = /^(\d{15})\.pem$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** Each key retires when the next is created. */
function readFolder(folder: string): SigningKey[] {
  const times = readdirSync(folder)
    .flatMap((name) => createdAtOf(name) ?? [])
    .sort((a, b) => a - b);
  return times.map((time, at) => {
    const file = join(folder, fileName(time));
    if ((statSync(file).mode & 0o077) !== 0) {
      throw new Error(
        `Other users can read the signing key ${file}: set its mode to 0600, then run \`visagectl tokens rotate\`.`,
      );
    }
    return parse(readFileSync(file, 'utf8'), file, times[at + 1] ?? null);
  });
}

async function addToFolder(folder: string, createdAt: number): Promise<void> {
  const file = join(folder, fileName(createdAt));
  await writeFile(`${file}.new`, await generate(), { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}

/**
 * The newest key signs; older keys verify until their last tokens expire. PKCS #8 in `<data
 * folder>/signing-keys`, or systemd credentials.
 */
export class SigningKeys {
  readonly #now: () => number;
  readonly #folder: string | null;
  #keys: readonly SigningKey[];
  #rotating: Promise<unknown> = Promise.resolve();

  /** @throws Error if a key is unusable or readable by other users. */
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

  get signing(): SigningKey {
    const newest = this.#keys.at(-1);
    if (!newest) throw new Error('There is no signing key');
    return newest;
  }

  /** Oldest first. */
  get verifying(): SigningKey[] {
    return this.#keys.filter(
      ({ retiredAt }) => retiredAt === null || this.#now() < retiredAt + LONGEST_TOKEN * 1000,
    );
  }

  /**
   * Removes keys whose tokens have all expired.
   * @throws `PERMISSION_DENIED` if systemd supplies the keys.
   */
  rotate(): Promise<SigningKey> {
    const folder = this.#folder;
    if (folder === null) {
      const how = `Move the current key to ${PREVIOUS_CREDENTIAL}, put a new key into ${CREDENTIAL}, and restart the service.`;
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
