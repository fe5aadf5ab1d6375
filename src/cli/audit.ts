import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EXIT, ExitError, usageError } from '../ops/exit-codes.ts';
import { openAuditReader } from '../store/audit-reader.ts';
import type { AuditRecord } from '../store/audit-records.ts';
import { command, configOf, DATA_OPTIONS, JSON_OPTION, print } from './command.ts';
import { tell } from './output.ts';

const BATCH = 500;

function lineOf({ at, ...entry }: AuditRecord): string {
  return `${JSON.stringify({ time: new Date(at).toISOString(), ...entry })}\n`;
}

function* batches(entries: Iterable<AuditRecord>): Generator<string> {
  let lines: string[] = [];
  for (const entry of entries) {
    lines.push(lineOf(entry));
    if (lines.length < BATCH) continue;
    yield lines.join('');
    lines = [];
  }
  yield lines.join('');
}

export const auditExport = command({
  name: 'audit export',
  summary: 'Print the audit log as lines of JSON, oldest first.',
  options: DATA_OPTIONS,
  async run(values) {
    const log = openAuditReader(configOf(values).dataDir);
    try {
      await pipeline(Readable.from(batches(log.entries())), process.stdout, { end: false });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    } finally {
      await log.close();
    }
  },
});

function broken(what: string): ExitError {
  return new ExitError(EXIT.data, `The audit log is broken: ${what}.`);
}

export const auditVerify = command({
  name: 'audit verify',
  summary: 'Verify the hash chain of the audit log and print its head as NUMBER:HASH.',
  details: [
    'An attacker who can rewrite the whole store can build a new chain. Store the head on another machine, and pass it ' +
      'to --expect later.',
  ],
  options: {
    expect: {
      type: 'string',
      value: 'NUMBER:HASH',
      about: 'Require that the chain contains this head, printed earlier.',
    },
    ...JSON_OPTION,
    ...DATA_OPTIONS,
  },
  async run(values) {
    const expected = values.expect === undefined ? null : /^(\d{1,15}):([0-9a-f]{64})$/.exec(values.expect);
    if (values.expect !== undefined && !expected)
      throw usageError(`--expect: expected NUMBER:HASH, got ${JSON.stringify(values.expect)}.`);
    const log = openAuditReader(configOf(values).dataDir);
    try {
      const { entries, removed, head, fault } = log.verify();
      if (fault !== null) throw broken(fault);
      const number = Number(expected?.[1]);
      const known = expected && log.hashOf(number);
      if (known === null && expected && log.isRemoved(number)) {
        throw new ExitError(
          EXIT.data,
          `Retention removed entry ${number}: pass a newer head to --expect. The chain of ${entries} entries is intact.`,
        );
      }
      if (expected && known !== expected[2]) {
        throw broken(`entry ${expected[1]} does not have the expected hash`);
      }
      print({ entries, removed, head }, values.json, () => `${head.sequence}:${head.hash}\n`);
      if (!values.json) tell`The chain of ${entries} entries is intact; retention removed ${removed}.`;
    } finally {
      await log.close();
    }
  },
});
