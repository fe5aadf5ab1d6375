import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { TlsConfig } from '../config/config.ts';
import { EXIT, ExitError } from './exit-codes.ts';
import { makeSelfSigned } from './self-signed.ts';

const CREDENTIALS = { certificate: 'visage-tls-certificate', key: 'visage-tls-key' } as const;

const DAY_MS = 86_400_000;
/** People compare the fingerprint by hand: the certificate outlives the appliance. */
const SELF_SIGNED_DAYS = 3650;
/** For clients with slow clocks. */
const SLOW_CLOCK_MS = DAY_MS;
const EXPIRY_NOTICE_DAYS = 21;

export interface TlsCertificate {
  /** PEM, the server's certificate first. */
  readonly certificate: string;
  readonly key: string;
  readonly source: 'files' | 'credentials' | 'self-signed';
  /** SHA-256: hexadecimal pairs, separated by colons. */
  readonly fingerprint: string;
  readonly expiresAt: number;
  readonly warnings: readonly string[];
}

export interface TlsSources {
  readonly files: TlsConfig['files'];
  readonly credentials: string | undefined;
  readonly dataDir: string;
  readonly now: number;
}

function wrong(sentence: string): ExitError {
  return new ExitError(EXIT.config, sentence);
}

/** True for an unreadable credential, so that loading reports it. */
function isThere(file: string): boolean {
  try {
    statSync(file);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

function readPem(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'the file does not exist' : code === 'EACCES' ? 'permission denied' : String(code);
    throw wrong(`The ${what} ${file} cannot be read: ${why}.`);
  }
}

/** Permits group access only to the service's group, on root's files. */
function checkMode(file: string): void {
  const { mode } = statSync(file);
  if ((mode & 0o027) === 0) return;
  throw wrong(`The TLS key ${file} can be read or changed by others: run chmod 640 '${file}'.`);
}

function keyOf(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_MISSING_PASSPHRASE' || pem.includes('ENCRYPTED')) {
      throw wrong(
        `The TLS key ${file} has a passphrase, which Visage cannot enter: store the key without one.`,
      );
    }
    throw wrong(`The TLS key ${file} is not a PEM private key.`);
  }
}

function certificateOf(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw wrong(`The TLS certificate ${file} is not a PEM certificate.`);
  }
}

function warningsOf(certificate: X509Certificate, file: string, now: number): string[] {
  const day = (text: string) => new Date(text).toISOString().slice(0, 10);
  const { validFrom, validTo } = certificate;
  const daysLeft = Math.floor((Date.parse(validTo) - now) / DAY_MS);
  if (Date.parse(validFrom) > now) {
    return [`The TLS certificate ${file} is not valid before ${day(validFrom)}: is the clock right?`];
  }
  if (daysLeft < 0) return [`The TLS certificate ${file} expired on ${day(validTo)}: clients refuse it.`];
  if (daysLeft > EXPIRY_NOTICE_DAYS) return [];
  return [`The TLS certificate ${file} expires in ${daysLeft} days, on ${day(validTo)}.`];
}

function checked(
  texts: { certificate: string; key: string },
  files: { certificate: string; key: string },
  source: TlsCertificate['source'],
  now: number,
): TlsCertificate {
  const certificate = certificateOf(texts.certificate, files.certificate);
  if (!certificate.checkPrivateKey(keyOf(texts.key, files.key))) {
    throw wrong(`The TLS key ${files.key} does not belong to the certificate ${files.certificate}.`);
  }
  return {
    ...texts,
    source,
    fingerprint: certificate.fingerprint256,
    expiresAt: Date.parse(certificate.validTo),
    warnings: warningsOf(certificate, files.certificate, now),
  };
}

function ownNames(): string[] {
  const host = hostname().toLowerCase();
  const [label = 'visage'] = host.split('.');
  const names = [host, `${label}.local`, 'localhost'].filter((name) => /^[a-z0-9.-]{1,253}$/.test(name));
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .map(({ address }) => address)
    .filter((address) => !address.startsWith('fe80:'));
  return [...new Set([...names, '127.0.0.1', '::1', ...addresses])];
}

function selfSigned(dataDir: string, now: number): TlsCertificate {
  const folder = join(dataDir, 'tls');
  const file = join(folder, 'self-signed.pem');
  const files = { certificate: file, key: file };
  if (existsSync(file)) {
    checkMode(file);
    const text = readPem(file, 'TLS certificate');
    const kept = checked({ certificate: text, key: text }, files, 'self-signed', now);
    if (kept.expiresAt > now) return kept;
  }
  const made = makeSelfSigned(
    ownNames(),
    new Date(now - SLOW_CLOCK_MS),
    new Date(now + SELF_SIGNED_DAYS * DAY_MS),
  );
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, made.key + made.certificate, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  return checked(made, files, 'self-signed', now);
}

/**
 * Order: configured files, systemd credentials, the self-signed certificate.
 * @throws ExitError `config`.
 */
export function loadTlsCertificate({ files, credentials, dataDir, now }: TlsSources): TlsCertificate {
  const read = (from: { certificate: string; key: string }) => ({
    certificate: readPem(from.certificate, 'TLS certificate'),
    key: readPem(from.key, 'TLS key'),
  });
  if (files !== null) {
    const texts = read(files);
    checkMode(files.key);
    return checked(texts, files, 'files', now);
  }
  if (credentials !== undefined) {
    const given = {
      certificate: join(credentials, CREDENTIALS.certificate),
      key: join(credentials, CREDENTIALS.key),
    };
    if (isThere(given.certificate) || isThere(given.key)) {
      return checked(read(given), given, 'credentials', now);
    }
  }
  return selfSigned(dataDir, now);
}
