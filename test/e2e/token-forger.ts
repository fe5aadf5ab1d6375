import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export type Claims = Record<string, unknown>;

export const base64url = (text: string | Buffer): string => Buffer.from(text).toString('base64url');
export const decoded = (part: string): string => Buffer.from(part, 'base64url').toString();

export function assemble(
  header: string,
  payload: string,
  signer: (input: string) => Buffer | string,
): string {
  const input = `${base64url(header)}.${base64url(payload)}`;
  return `${input}.${Buffer.from(signer(input)).toString('base64url')}`;
}

export const rsa =
  (key: KeyObject, hash: string, pss = false) =>
  (input: string): Buffer =>
    sign(hash, Buffer.from(input), pss ? { key, padding: 6, saltLength: 64 } : key);

export const hmac =
  (hash: string, secret: string | Buffer) =>
  (input: string): Buffer =>
    createHmac(hash, secret).update(input).digest();

export function publicKeySpellings(privateKey: KeyObject): Record<string, string | Buffer> {
  const key = createPublicKey(privateKey);
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  const jwk = key.export({ format: 'jwk' });
  return {
    'the SPKI in PEM': pem,
    'the SPKI in PEM without its last newline': pem.trim(),
    'the SPKI in PEM with CRLF': pem.replaceAll('\n', '\r\n'),
    'the SPKI in PEM without armour': pem.split('\n').slice(1, -2).join('\n'),
    'the SPKI in PEM on one line': pem.replaceAll('\n', ''),
    'the SPKI in DER': key.export({ type: 'spki', format: 'der' }),
    'PKCS #1 in PEM': key.export({ type: 'pkcs1', format: 'pem' }).toString(),
    'PKCS #1 in DER': key.export({ type: 'pkcs1', format: 'der' }),
    'the modulus of the JWK': String(jwk.n),
    'the JWK in JSON': JSON.stringify(jwk),
    nothing: '',
  };
}

export const foreignKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
export const foreignCurveKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
