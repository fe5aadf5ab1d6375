import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { openAuditReader } from '../store/audit-reader.ts';
import { command, configOf, DATA_OPTIONS, JSON_OPTION, print, usageError } from './command.ts';

function broken(what: string): ExitError {
  return new ExitError(EXIT.data, `The audit log is broken: ${what}.`);
}

export const auditVerify = command({
  name: 'audit verify',
  summary: 'Check the chain of the audit log and print its head, NUMBER:HASH.',
  details: [
    'Whoever can rewrite the whole store can build a new chain: keep the head elsewhere and give it back with --expect.',
  ],
  options: {
    expect: {
      type: 'string',
      value: 'NUMBER:HASH',
      about: 'a head printed earlier, which must be in the chain',
    },
    ...JSON_OPTION,
    ...DATA_OPTIONS,
  },
  async run(values) {
    const expected = values.expect === undefined ? null : /^(\d{1,15}):([0-9a-f]{64})$/.exec(values.expect);
    if (values.expect !== undefined && !expected) throw usageError('--expect is NUMBER:HASH.');
    const log = openAuditReader(configOf(values).dataDir);
    try {
      const { entries, head, fault } = log.verify();
      if (fault !== null) throw broken(fault);
      if (expected && log.hashOf(Number(expected[1])) !== expected[2]) {
        throw broken(`entry ${expected[1]} is not the one that is expected`);
      }
      print({ entries, head }, values.json, () => `${head.sequence}:${head.hash}\n`);
      if (!values.json) process.stderr.write(`The chain of ${entries} entries is whole.\n`);
    } finally {
      await log.close();
    }
  },
});
