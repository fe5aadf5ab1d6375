import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('programs/https-fetch.js', import.meta.url));
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe('Over https', { skip: !hasOpenssl && 'openssl is not installed' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'visage-tls-'));
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  before(async () => {
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', key, '-out', certificate, '-days', '2'],
      ...['-subj', '/CN=good.example', '-addext', 'subjectAltName=DNS:good.example'],
    ]);
  });
  after(() => rmSync(folder, { recursive: true }));

  const run = async (trusted: boolean) => {
    const environment = { ...process.env };
    delete environment.NODE_EXTRA_CA_CERTS;
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, certificate, key], {
      env: trusted ? { ...environment, NODE_EXTRA_CA_CERTS: certificate } : environment,
    });
    return JSON.parse(stdout) as { outcomes: Record<string, string>; names: string[] };
  };

  test('the certificate must be of the name, which is told, though the connection is to an address', async () => {
    const { outcomes, names } = await run(true);
    assert.deepEqual(outcomes, {
      right: 'picture for good.example:PORT',
      dotted: 'picture for good.example.:PORT',
      wrong: 'IMAGE_URL_FAILED',
      literal: 'IMAGE_URL_FAILED',
      on: 'picture for good.example:PORT',
      down: 'IMAGE_URL_FORBIDDEN',
    });
    assert.deepEqual(names, ['good.example', 'bad.example']);
  });

  test('a certificate that nobody trusted is refused', async () => {
    const { outcomes } = await run(false);
    assert.deepEqual([...new Set(Object.values(outcomes))], ['IMAGE_URL_FAILED']);
  });
});
