import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ExitError } from '../../src/ops/exit-codes.ts';
import { makeSelfSigned } from '../../src/ops/self-signed.ts';
import { loadTlsCertificate } from '../../src/ops/tls-certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
after(() => rmSync(folder, { recursive: true }));

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 0, 15, 12);
const days = (count: number) => new Date(NOW + count * DAY_MS);

function files(name: string, certificate: string, key: string) {
  const paths = { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  writeFileSync(paths.certificate, certificate);
  writeFileSync(paths.key, key, { mode: 0o640 });
  return paths;
}

const load = (options: Partial<Parameters<typeof loadTlsCertificate>[0]>) =>
  loadTlsCertificate({
    files: null,
    credentials: undefined,
    dataDir: join(folder, 'data'),
    now: NOW,
    ...options,
  });

function refused(options: Parameters<typeof load>[0], pattern: RegExp): void {
  assert.throws(
    () => load(options),
    (error) => error instanceof ExitError && error.exitCode === 78 && pattern.test(error.message),
  );
}

describe('A self-signed certificate', () => {
  const names = ['visage.test', '192.0.2.7', '2001:db8::7', '::1', 'x'.repeat(63)];
  const { certificate, key } = makeSelfSigned(names, days(-1), new Date(Date.UTC(2051, 5, 7, 8, 9, 10)));
  const read = new X509Certificate(certificate);

  test('names every name and address, and no other', () => {
    for (const name of ['visage.test', names[4] as string]) assert.equal(read.checkHost(name), name);
    for (const address of ['192.0.2.7', '2001:db8::7', '::1']) assert.ok(read.checkIP(address), address);
    assert.equal(read.checkHost('other.test'), undefined);
    assert.equal(read.checkIP('192.0.2.8'), undefined);
  });

  test('is valid from and to the second, also beyond 2049', () => {
    assert.equal(Date.parse(read.validFrom), NOW - DAY_MS);
    assert.equal(Date.parse(read.validTo), Date.UTC(2051, 5, 7, 8, 9, 10));
  });

  test('is signed by its own key, serves and signs no other', () => {
    assert.ok(read.verify(read.publicKey));
    assert.equal(read.ca, false);
    assert.deepEqual(read.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    assert.notEqual(
      read.serialNumber,
      new X509Certificate(makeSelfSigned(names, days(-1), days(1)).certificate).serialNumber,
    );
  });

  const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
  test('passes OpenSSL by the letter', { skip: hasOpenssl ? false : 'openssl is not installed' }, () => {
    const paths = files('strict', certificate, key);
    const args = ['verify', '-x509_strict', '-attime', String(NOW / 1000), '-CAfile', paths.certificate];
    const { status, stderr } = spawnSync('openssl', [...args, paths.certificate], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });
});

describe('The certificate in use', () => {
  const right = makeSelfSigned(['visage.test'], days(-1), days(90));

  test('is made on the first start, kept for the owner alone, and the same on the next', () => {
    const made = load({});
    assert.equal(made.source, 'self-signed');
    assert.deepEqual(made.warnings, []);
    assert.equal(statSync(join(folder, 'data/tls/self-signed.pem')).mode & 0o777, 0o600);
    assert.equal(load({}).fingerprint, made.fingerprint);
    assert.notEqual(load({ now: made.expiresAt + DAY_MS }).fingerprint, made.fingerprint);
  });

  test('comes from the files of the settings before credentials', () => {
    const credentials = join(folder, 'credentials');
    mkdirSync(credentials);
    const given = makeSelfSigned(['given.test'], days(-1), days(90));
    writeFileSync(join(credentials, 'visage-tls-certificate'), given.certificate);
    writeFileSync(join(credentials, 'visage-tls-key'), given.key);
    assert.equal(load({ credentials }).certificate, given.certificate);
    const own = load({ credentials, files: files('own', right.certificate, right.key) });
    assert.deepEqual([own.source, own.certificate], ['files', right.certificate]);
    assert.equal(own.fingerprint, new X509Certificate(right.certificate).fingerprint256);
    // A file in place of a folder fails for root too.
    refused(
      { credentials: join(credentials, 'visage-tls-key') },
      /visage-tls-certificate cannot be read: ENOTDIR/,
    );
    rmSync(join(credentials, 'visage-tls-key'));
    refused({ credentials }, /visage-tls-key cannot be read: the file does not exist/);
  });

  test('warns three weeks before its end, after it, and before its beginning', () => {
    const warnings = (from: number, to: number) => {
      const { certificate, key } = makeSelfSigned(['a'], days(from), days(to));
      return load({ files: files('dated', certificate, key) }).warnings.join();
    };
    assert.equal(warnings(-1, 60), '');
    assert.match(warnings(-1, 10), /expires in 10 days, on 2026-01-25/);
    assert.match(warnings(-9, -2), /expired on 2026-01-13/);
    assert.match(warnings(2, 9), /not valid before 2026-01-17/);
  });

  test('is refused with the reason and the file', () => {
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const pem = (options = {}) => stranger.export({ type: 'pkcs8', format: 'pem', ...options }) as string;
    const given = (certificate: string, key: string) => ({ files: files('wrong', certificate, key) });
    refused(given(right.certificate, pem()), /wrong\.key does not belong to the certificate .*wrong\.pem/);
    refused(given('nothing', pem()), /wrong\.pem is not a PEM certificate/);
    refused(given(right.certificate, 'nothing'), /wrong\.key is not a PEM private key/);
    const locked = pem({ cipher: 'aes-256-cbc', passphrase: 'secret' });
    refused(given(right.certificate, locked), /wrong\.key has a passphrase/);
    refused(
      { files: { certificate: '/nowhere', key: '/nowhere' } },
      /\/nowhere cannot be read: the file does not exist/,
    );
    const open = files('open', right.certificate, right.key);
    for (const mode of [0o644, 0o660, 0o602]) {
      chmodSync(open.key, mode);
      refused({ files: open }, /chmod 640/);
    }
    chmodSync(open.key, 0o600);
    assert.equal(load({ files: open }).key, readFileSync(open.key, 'utf8'));
  });
});
