import { availableParallelism } from 'node:os';
import { createExecutor } from '../native/executor.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { checkPack, type Finding } from '../vision/pack-check.ts';
import { columns, command, JSON_OPTION } from './command.ts';

export const modelsCheck = command({
  name: 'models check',
  summary: 'Load and run a model pack, and report its problems.',
  details: [
    'With --pictures, also checks detection, identification and the similarity scale, on two images of each of at most ' +
      '200 people.',
  ],
  examples: ['models check yunet', 'models check ./my-pack --pictures ./people'],
  operands: [
    { name: 'PACK', completion: 'folder', about: "The pack's name, or the path of its folder with a slash." },
  ],
  options: {
    pictures: {
      type: 'string',
      value: 'FOLDER',
      completion: 'folder',
      about: 'Test the pack with the images FOLDER/<person>/<image>.',
    },
    ...JSON_OPTION,
  },
  async run({ pictures, json }, [pack]) {
    const threads = availableParallelism();
    const executor = createExecutor({ threads, maxQueue: 4 * threads });
    const findings: Finding[] = [];
    try {
      await checkPack(pack, pictures, executor, (finding) => {
        findings.push(finding);
        if (json) return;
        process.stdout.write(columns([[finding.kind.padEnd(7), finding.subject.padEnd(8), finding.text]]));
      });
    } finally {
      await executor.close();
    }
    const problems = findings.filter(({ kind }) => kind === 'problem').length;
    if (json) process.stdout.write(`${JSON.stringify({ findings, problems })}\n`);
    if (problems > 0)
      throw new ExitError(EXIT.data, `The model pack has ${problems} problem${problems > 1 ? 's' : ''}.`);
  },
});
