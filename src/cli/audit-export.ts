import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openAuditReader } from '../store/audit-reader.ts';
import type { AuditRecord } from '../store/audit-records.ts';
import { command, configOf, DATA_OPTIONS } from './command.ts';

/** Entries written to the output at once. */
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
  summary: 'Print every entry of the audit log as a line of JSON, oldest first.',
  options: DATA_OPTIONS,
  async run(values) {
    const log = openAuditReader(configOf(values).dataDir);
    try {
      await pipeline(Readable.from(batches(log.entries())), process.stdout, { end: false });
    } catch (error) {
      // Such as `| head`: who reads has enough.
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    } finally {
      await log.close();
    }
  },
});
