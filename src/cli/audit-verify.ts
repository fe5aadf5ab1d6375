import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { openAuditReader } from '../store/audit-reader.ts';
import { type Command, configOf, DATA_OPTIONS, DATA_USAGE, readOptions, usageError } from './command.ts';

const OPTIONS = { expect: { type: 'string' }, ...DATA_OPTIONS } as const;

function broken(what: string): ExitError {
  return new ExitError(EXIT.data, `The audit log is broken: ${what}.`);
}

export const auditVerify: Command = {
  name: 'audit verify',
  usage: `[--expect NUMBER:HASH] ${DATA_USAGE}`,
  summary:
    'Check the chain of the audit log and print its head, NUMBER:HASH; --expect looks for a head printed earlier.',
  async run(args) {
    const { values } = readOptions(args, OPTIONS, 0);
    const expected = values.expect === undefined ? null : /^(\d{1,15}):([0-9a-f]{64})$/.exec(values.expect);
    if (values.expect !== undefined && !expected) throw usageError('--expect is NUMBER:HASH.');
    const log = openAuditReader(configOf(values).dataDir);
    try {
      const { entries, head, fault } = log.verify();
      if (fault !== null) throw broken(fault);
      if (expected && log.hashOf(Number(expected[1])) !== expected[2]) {
        throw broken(`entry ${expected[1]} is not the one that is expected`);
      }
      process.stdout.write(`${head.sequence}:${head.hash}\n`);
      process.stderr.write(`The chain of ${entries} entries is whole.\n`);
    } finally {
      await log.close();
    }
  },
};
