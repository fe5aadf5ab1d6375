/** The library's async calls would occupy libuv's pool. */
import { parentPort } from 'node:worker_threads';
import { hashSync, verifySync } from '@node-rs/argon2';
import { ARGON2, type PasswordJob, type PasswordResult, withoutBlanks } from './passwords.ts';

/** Isolated compilation cannot import the library's const enum. */
const ARGON2ID = 2;
const OPTIONS = {
  algorithm: ARGON2ID,
  memoryCost: ARGON2.memory,
  timeCost: ARGON2.passes,
  parallelism: ARGON2.lanes,
  outputLen: ARGON2.hashBytes,
};

let commonPasswords: Promise<ReadonlySet<string>> | null = null;

async function read(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  return new Set(dictionary['passwords-common'].map((word) => word.toLowerCase()));
}

function isMonotonous(text: string): boolean {
  const codes = Array.from(text, (character) => character.codePointAt(0) as number);
  const steps = new Set(codes.slice(1).map((code, at) => code - (codes[at] as number)));
  return new Set(codes).size <= 2 || (steps.size === 1 && (steps.has(1) || steps.has(-1)));
}

async function isCommonPassword(password: string): Promise<boolean> {
  commonPasswords ??= read();
  const words = await commonPasswords;
  const text = withoutBlanks(password.toLowerCase());
  const bare = text.replaceAll(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
  return words.has(text) || words.has(bare) || isMonotonous(text);
}

async function resultOf(job: PasswordJob): Promise<PasswordResult['value']> {
  try {
    switch (job.kind) {
      case 'screen':
        return await isCommonPassword(job.password);
      case 'hash':
        return hashSync(job.password, OPTIONS);
      case 'find':
        // The time reveals neither the number of hashes nor the match.
        return job.hashes.map((hash) => verifySync(hash, job.password)).indexOf(true);
    }
  } catch {
    return null;
  }
}

parentPort?.on('message', async (job: PasswordJob) => {
  parentPort?.postMessage({ id: job.id, value: await resultOf(job) } satisfies PasswordResult);
});
