/**
 * `npm run figures -- <faces> [bench...] [--keep FOLDER] [--reuse PART,...]`: runs all benches, or those named, and writes
 * their output between `<!-- figures: NAME -->` and `<!-- end -->` in the docs. `npm run bench` gets `--keep` and `--reuse`.
 * `test/scripts/claims.test.ts` reads the reports there.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, setUpOrExit } from './setup/set-up.mjs';

const {
  values: { keep, reuse },
  positionals: [faces, ...named],
} = parseArgs({ allowPositionals: true, options: { keep: { type: 'string' }, reuse: { type: 'string' } } });
if (!faces) {
  console.error('Usage: npm run figures -- <folder with lfw-dev/ and lfw-dev-pairs.csv>');
  process.exit(64);
}
await setUpOrExit();
const table = [
  ...['--faces', faces, '--plots', join(ROOT, 'docs/images')],
  ...(keep ? ['--keep', keep] : []),
  ...(reuse ? ['--reuse', reuse] : []),
];
const apart = ['--only', 'pipeline,networks,peers,memory,growth,gpu'];
writeFigures('bench', 'docs/measurements.md', [...table, ...apart]);
const ours = ['--faces', faces, '--ours', '--probes', '2000'];
const peers = ['--faces', faces, '--galleries', 'distinct', '--sizes', '10000'];
writeFigures('search', 'docs/measurements.md', ours, peers);
writeFigures('pipeline', 'docs/measurements.md', []);
writeFigures('networks', 'docs/measurements.md', []);
writeFigures('access', 'docs/measurements.md', []);
writeFigures('attack', 'docs/measurements.md', ['--quick']);
writeFigures('sizing', 'docs/sizing.md', []);
writeFigures('accuracy', 'docs/accuracy.md', [faces]);
writeFigures('reach', 'docs/accuracy.md', [faces]);
writeFigures('search-cost', 'docs/accuracy.md', []);
writeFigures('liveness', 'docs/liveness.md', [faces]);
writeFigures('quality', 'docs/quality.md', [faces]);

spawnSync(process.execPath, [join(ROOT, 'dist/bench/threshold-plot.js')], { stdio: 'inherit' });

/** @param name of the figures and of the bench that prints them. @param runs arguments of each run. */
function writeFigures(name, page, ...runs) {
  if (named.length > 0 && !named.includes(name)) return;
  const program = join(ROOT, 'dist/bench', `${name}.js`);
  const reports = runs.map((args) => {
    const { status, stdout } = spawnSync(process.execPath, [program, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (status !== 0) throw new Error(`bench:${name} ended with ${status}`);
    return stdout.trim();
  });
  const file = join(ROOT, page);
  const marks = new RegExp(`(<!-- figures: ${name} -->\n)[^]*?(<!-- end -->)`);
  const text = readFileSync(file, 'utf8');
  if (!marks.test(text)) throw new Error(`${page} has no marks for ${name}`);
  writeFileSync(
    file,
    text.replace(marks, (_, begin, end) => `${begin}\n\`\`\`\n${reports.join('\n\n')}\n\`\`\`\n\n${end}`),
  );
  console.error(`wrote ${page}`);
}
