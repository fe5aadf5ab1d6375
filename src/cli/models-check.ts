import { availableParallelism } from 'node:os';
import { createExecutor } from '../native/executor.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { checkPack, type Finding } from '../vision/pack-check.ts';
import { columns, command, JSON_OPTION } from './command.ts';

/** Says what is wrong with a model pack that somebody brings. */
export const modelsCheck = command({
  name: 'models check',
  summary: 'Load a model pack, run it, and say what is wrong with it.',
  details: [
    'With --pictures it also looks at whether faces are found, people told apart and the similarity scale is met, on two pictures of each of 200 people at most.',
  ],
  examples: ['models check faceplugin', 'models check ./my-pack --pictures ./people'],
  operands: [{ name: 'PACK', completion: 'folder', about: "the pack's name, or its folder with a / in it" }],
  options: {
    pictures: {
      type: 'string',
      value: 'FOLDER',
      completion: 'folder',
      about: 'pictures as FOLDER/<person>/<picture>',
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
