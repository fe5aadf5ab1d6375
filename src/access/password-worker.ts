/** The thread that computes Argon2id for {@link Passwords}: the library's own calls would use libuv's pool. */
import { parentPort } from 'node:worker_threads';
import { hashSync, verifySync } from '@node-rs/argon2';
import { ARGON2, type PasswordJob, type PasswordResult } from './passwords.ts';

/** The library names its algorithms by number, in a const enum that isolated compilation cannot read. */
const ARGON2ID = 2;
const OPTIONS = {
  algorithm: ARGON2ID,
  memoryCost: ARGON2.memory,
  timeCost: ARGON2.passes,
  parallelism: ARGON2.lanes,
  outputLen: ARGON2.hashBytes,
};

function resultOf(job: PasswordJob): PasswordResult['value'] {
  try {
    return job.kind === 'hash' ? hashSync(job.password, OPTIONS) : verifySync(job.hash, job.password);
  } catch {
    return null;
  }
}

parentPort?.on('message', (job: PasswordJob) => {
  parentPort?.postMessage({ id: job.id, value: resultOf(job) } satisfies PasswordResult);
});
