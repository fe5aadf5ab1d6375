/**
 * `npm run figures -- <faces> [bench...] [--keep FOLDER] [--reuse PART,...]`: runs all benches, or those named, and writes
 * their output between `<!-- figures: NAME -->` and `<!-- end -->` in the docs. `npm run bench` gets `--keep` and `--reuse`.
 * The figures `search` take hours: the peers build graphs of a million faces.
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
const searches = ['--all', '--only', 'search,million,ten-million,search-meanwhile,scan,restart'];
writeFigures('search', 'docs/measurements.md', [...table, ...searches], 'bench');
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

/** @param name of the figures. @param bench program that prints them. */
function writeFigures(name, page, args, bench = name) {
  if (named.length > 0 && !named.includes(name)) return;
  const program = join(ROOT, 'dist/bench', `${bench}.js`);
  const { status, stdout } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`bench:${bench} ended with ${status}`);
  const file = join(ROOT, page);
  const marks = new RegExp(`(<!-- figures: ${name} -->\n)[^]*?(<!-- end -->)`);
  const text = readFileSync(file, 'utf8');
  if (!marks.test(text)) throw new Error(`${page} has no marks for ${name}`);
  writeFileSync(
    file,
    text.replace(marks, (_, begin, end) => `${begin}\n\`\`\`\n${stdout.trim()}\n\`\`\`\n\n${end}`),
  );
  console.error(`wrote ${page}`);
}
