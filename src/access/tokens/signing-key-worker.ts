/** libuv's pool would delay the store's flush. */
import { generateKeyPairSync } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { SIGNING_KEY_BITS } from './signing-keys.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: SIGNING_KEY_BITS });
parentPort?.postMessage(privateKey.export({ type: 'pkcs8', format: 'pem' }));
