/** A self-signed certificate (RFC 5280) in DER: Node makes keys and signatures, but no certificates. */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** Tags of ASN.1's types (X.690). */
const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** `[0]`, `[2]`, `[7]`, `[3]` as the certificate and its names use them. */
  version: 0xa0,
  dnsName: 0x82,
  ipAddress: 0x87,
  extensions: 0xa3,
} as const;

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const sequence = (...contents: Buffer[]) => der(TAG.sequence, ...contents);
const octets = (content: Buffer) => der(TAG.octetString, content);
const bits = (content: Buffer, unused = 0) => der(TAG.bitString, Buffer.from([unused]), content);

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const base128 = (value: number): number[] =>
    value < 128 ? [value] : [...base128(value >> 7).map((digit) => digit | 128), value & 127];
  return der(TAG.oid, Buffer.from([40 * first + second, ...rest.flatMap(base128)]));
}

/** Two digits of the year up to 2049, four after, as RFC 5280 4.1.2.5 asks for. */
function time(date: Date): Buffer {
  const digits = `${date.toISOString().slice(0, 19).replaceAll(/\D/g, '')}Z`;
  return date.getUTCFullYear() < 2050
    ? der(TAG.utcTime, Buffer.from(digits.slice(2)))
    : der(TAG.generalizedTime, Buffer.from(digits));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = groups(tail ?? '');
  const middle = Array<string>(8 - left.length - right.length).fill('0');
  const all = tail === undefined ? left : [...left, ...middle, ...right];
  return Buffer.from(
    all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}

function extension(id: string, isCritical: boolean, content: Buffer): Buffer {
  const critical = isCritical ? [der(TAG.boolean, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...critical, octets(content));
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/**
 * Makes a key (ECDSA, P-256) and a certificate for a TLS server, signed by the key itself. It can sign no other.
 * @param names DNS names and IP addresses (IPv6 in groups of hexadecimal digits), at least one; the first is the subject.
 * @returns both in PEM.
 */
export function makeSelfSigned(
  names: readonly string[],
  notBefore: Date,
  notAfter: Date,
): { readonly certificate: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subjectKey = publicKey.export({ type: 'spki', format: 'der' });
  const algorithm = sequence(oid('1.2.840.10045.4.3.2')); // ecdsa-with-SHA256
  const name = sequence(
    der(TAG.set, sequence(oid('2.5.4.3'), der(TAG.utf8, Buffer.from(names[0] as string)))),
  );
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  // RFC 7093 2(1): the leftmost 160 bits of SHA-256.
  const keyId = createHash('sha256').update(subjectKey).digest().subarray(0, 20);
  const alternatives = names.map((each) =>
    isIP(each) ? der(TAG.ipAddress, addressBytes(each)) : der(TAG.dnsName, Buffer.from(each)),
  );
  const extensions = sequence(
    extension('2.5.29.19', true, sequence()), // basicConstraints: no CA
    extension('2.5.29.15', true, bits(Buffer.from([0x80]), 7)), // keyUsage: digitalSignature
    extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))), // extKeyUsage: serverAuth
    extension('2.5.29.17', false, sequence(...alternatives)), // subjectAltName
    extension('2.5.29.14', false, octets(keyId)), // subjectKeyIdentifier
  );
  const toBeSigned = sequence(
    der(TAG.version, der(TAG.integer, Buffer.from([2]))), // version 3
    der(TAG.integer, serial),
    algorithm,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    subjectKey,
    der(TAG.extensions, extensions),
  );
  const certificate = sequence(toBeSigned, algorithm, bits(sign('sha256', toBeSigned, privateKey)));
  return {
    certificate: pem('CERTIFICATE', certificate),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}
