import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openAuditReader } from '../store/audit-reader.ts';
import type { AuditRecord } from '../store/audit-records.ts';
import { type Command, configOf, DATA_OPTIONS, DATA_USAGE, readOptions } from './command.ts';

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

export const auditExport: Command = {
  name: 'audit export',
  usage: DATA_USAGE,
  summary: 'Print every entry of the audit log as a line of JSON, oldest first.',
  async run(args) {
    const { values } = readOptions(args, DATA_OPTIONS, 0);
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
};
