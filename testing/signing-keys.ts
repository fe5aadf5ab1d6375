import { generateKeyPairSync } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SIGNING_KEY_BITS } from '../src/access/tokens/signing-keys.ts';

const STATE = fileURLToPath(new URL('../../build/test-state', import.meta.url));

/** Spares a service in this data folder the key of its first start, about a second of processor time. */
export function addSigningKey(dataFolder: string): void {
  const own = join(dataFolder, 'signing-keys');
  if (existsSync(dataFolder) && !existsSync(own)) cpSync(sharedKey(), own, { recursive: true });
}

function sharedKey(): string {
  const folder = join(STATE, `signing-keys-${SIGNING_KEY_BITS}`);
  if (existsSync(folder)) return folder;
  mkdirSync(STATE, { recursive: true });
  const unfinished = mkdtempSync(join(STATE, 'signing-'));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: SIGNING_KEY_BITS });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(join(unfinished, '001700000000000.pem'), pem, { mode: 0o600 });
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOTEMPTY') throw error;
    // Another test has made it meanwhile.
    rmSync(unfinished, { recursive: true });
  }
  return folder;
}
