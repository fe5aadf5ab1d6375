/** RFC 5280. */
import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import { isIP } from 'node:net';

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';

/** Costs 150 ms and 13 MB. */
function loadEncoder() {
  const require = createRequire(import.meta.url);
  return {
    asn1: require('@peculiar/asn1-schema') as typeof import('@peculiar/asn1-schema'),
    x509: require('@peculiar/asn1-x509') as typeof import('@peculiar/asn1-x509'),
  };
}

/** Positive, without a leading zero byte. */
function randomSerial(): ArrayBuffer {
  const serial = new Uint8Array(randomBytes(16));
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  return serial.buffer;
}

/**
 * Cannot sign other certificates. PEM.
 * @param names DNS names and IP addresses; the first is the subject.
 */
export function makeSelfSigned(
  names: readonly string[],
  notBefore: Date,
  notAfter: Date,
): { readonly certificate: string; readonly key: string } {
  const { asn1, x509 } = loadEncoder();
  const encode = (value: object) => Buffer.from(asn1.AsnConvert.serialize(value));
  const extension = (extnID: string, critical: boolean, value: object) =>
    new x509.Extension({ extnID, critical, extnValue: new asn1.OctetString(encode(value)) });

  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subjectKey = publicKey.export({ type: 'spki', format: 'der' });
  // RFC 7093 2(1): the leftmost 160 bits of SHA-256.
  const keyId = createHash('sha256').update(subjectKey).digest().subarray(0, 20);
  const algorithm = new x509.AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 });
  const commonName = new x509.AttributeTypeAndValue({
    type: COMMON_NAME,
    value: new x509.AttributeValue({ utf8String: names[0] as string }),
  });
  const subject = new x509.Name([new x509.RelativeDistinguishedName([commonName])]);
  const alternatives = names.map(
    (name) => new x509.GeneralName(isIP(name) ? { iPAddress: name } : { dNSName: name }),
  );
  const tbsCertificate = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: randomSerial(),
    signature: algorithm,
    issuer: subject,
    validity: new x509.Validity({ notBefore, notAfter }),
    subject,
    subjectPublicKeyInfo: asn1.AsnConvert.parse(subjectKey, x509.SubjectPublicKeyInfo),
    extensions: new x509.Extensions([
      extension(x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: false })),
      extension(x509.id_ce_keyUsage, true, new x509.KeyUsage(x509.KeyUsageFlags.digitalSignature)),
      extension(x509.id_ce_extKeyUsage, false, new x509.ExtendedKeyUsage([x509.id_kp_serverAuth])),
      extension(x509.id_ce_subjectAltName, false, new x509.SubjectAlternativeName(alternatives)),
      extension(x509.id_ce_subjectKeyIdentifier, false, new x509.SubjectKeyIdentifier(keyId)),
    ]),
  });
  const signature = sign('sha256', encode(tbsCertificate), privateKey);
  const certificate = new x509.Certificate({
    tbsCertificate,
    signatureAlgorithm: algorithm,
    signatureValue: new Uint8Array(signature).buffer,
  });
  return {
    certificate: new X509Certificate(encode(certificate)).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}
