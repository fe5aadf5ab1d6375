import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { growthPlots } from '../../bench/growth-plots.ts';
import { type PartReport, runPart } from '../../bench/parts.ts';
import { tableOf } from '../../bench/table.ts';
import { ROOT, temporaryFolder } from '../../testing/service.ts';

const LIMIT = 120;
const REPORT = JSON.stringify(join(ROOT, 'dist/bench/report.js'));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
before(async () => {
  folder = await temporaryFolder();
});
after(() => folder.remove());

async function run(body: string, limit = LIMIT): Promise<PartReport> {
  const program = join(folder.path, 'bench.mjs');
  await writeFile(program, `import { report, reportPoint, reportVersions } from ${REPORT};\n${body}`);
  return runPart({ title: 'A part', program, args: [] }, limit);
}

describe('the table of the benches', () => {
  test('shows what a real bench reports of every engine and gallery', async () => {
    const program = join(ROOT, 'dist/bench/search.js');
    const part = {
      title: 'Search',
      program,
      args: ['--sizes', '1500', '--galleries', 'distinct,families', '--ours', '--probes', '200'],
    };
    const report = await runPart(part, LIMIT);
    assert.equal(report.failure, undefined);
    const table = tableOf({ machine: 'this one' }, [report]);
    assert.match(table, /^machine +this one$/m);
    assert.match(table, /^Search \(\d+ s\)$/m);
    assert.match(table, /^ {2}1,500 people, adding one: Visage +[\d.]+ us of processor /m);
    assert.match(table, /^ {2}1,500 people, memory: Visage +[\d.,-]+ bytes a face/m);
    assert.match(table, /^ {2}1,500 people, recall@1 1: Visage, p50 +[\d.]+ ms .*recall 1\.0000/m);
    assert.match(table, /^ {2}20,000 people in families of 5, recall@1 0\.9995: Visage, exact, p50 /m);
    assert.deepEqual(
      report.points.map(({ plot, line, x }) => [plot, line, x]),
      [
        ['gallery', 'Visage', 1500],
        ['gallery', 'Visage, exact', 1500],
      ],
    );
  });

  test('has columns for the measured, what it is compared with, the ratio and the aim', async () => {
    const report = await run(`
      reportVersions({ peer: '1.2.3' });
      report({ claim: 'a search', value: 1234.5, unit: 'ms', against: { name: 'peer', value: 0.25 }, ratio: 2,
        aim: 'at most 1 x', note: 'p99 3 ms' });
      report({ claim: 'a card', value: Number.NaN, unit: '', note: 'not run: no GPU' });`);
    const lines = tableOf({ machine: 'm' }, [report]).split('\n');
    assert.ok(lines.includes('with     peer 1.2.3'), lines.join('\n'));
    const columns = (line: string | undefined) => line?.trim().split(/ {2,}/);
    assert.deepEqual(columns(lines.find((line) => line.includes('measured'))), [
      'measured',
      'against',
      'ratio',
      'aim',
    ]);
    assert.deepEqual(columns(lines.find((line) => line.startsWith('  a search'))), [
      'a search',
      '1,235 ms',
      'peer 0.25',
      '2.00',
      'at most 1 x (p99 3 ms)',
    ]);
    assert.deepEqual(columns(lines.find((line) => line.startsWith('  a card'))), [
      'a card',
      'not run: no GPU',
    ]);
  });

  test('shows a bench that died, with what it had reported, and goes on', async () => {
    const dead = await run(
      `report({ claim: 'before', value: 1, unit: 's' });\nprocess.kill(process.pid, 'SIGKILL');\nawait new Promise((resolve) => setTimeout(resolve, 60_000));`,
    );
    const thrown = await run(`throw new Error('No disk');`);
    const silent = await run('');
    const table = tableOf({}, [dead, thrown, silent]);
    assert.match(table, /^ {2}before +1 s\n {2}died: SIGKILL; what it had reported is above$/m);
    assert.match(table, /^ {2}died: exit code 1$/m);
    assert.match(table, /^ {2}reported nothing$/m);
  });

  test('ends a bench that takes longer than its limit', async () => {
    const { failure } = await run('await new Promise((resolve) => setTimeout(resolve, 60_000));', 1);
    assert.equal(failure, 'ended after 1 s, which is its limit');
  });

  test('says of a part that is not run again when and of which commit its report is', async () => {
    const kept = {
      title: 'Exact search',
      lines: [{ claim: 'a scan', value: 3, unit: 'ms' }],
      points: [],
      versions: {},
      seconds: 4,
      commit: 'commit 1234567',
      ended: '2026-01-02 03:04 UTC',
    };
    await writeFile(join(folder.path, 'scan.json'), JSON.stringify(kept));
    const bench = (...args: string[]) =>
      spawnSync(process.execPath, [join(ROOT, 'dist/bench/bench.js'), ...args], { encoding: 'utf8' });
    const keep = ['--only', 'scan', '--keep', folder.path];
    const { status, stdout } = bench(...keep, '--reuse', 'scan');
    assert.equal(status, 0);
    assert.match(
      stdout,
      /^Exact search \(4 s; of an earlier run, ended 2026-01-02 03:04 UTC, commit 1234567\)\n {2}a scan +3 ms$/m,
    );
    const missing = bench(...keep, '--reuse', 'memory');
    assert.deepEqual([missing.status, missing.stdout], [64, '']);
    assert.match(missing.stderr, /^There is no report of memory in /);
    assert.match(bench('--only', 'scam').stderr, /^There is no part scam; parts are pipeline, /);
  });

  test('leaves out of a plot what there are no points for', () => {
    const points = [
      { plot: 'clients', line: '1 thread', x: 1, y: 30 },
      { plot: 'clients', line: '1 thread', x: 16, y: 55 },
      { plot: 'clients', line: '2 threads', x: 16, y: 99 },
    ];
    const plots = growthPlots(points);
    assert.deepEqual([...plots.keys()], ['growth-clients.svg']);
    const svg = plots.get('growth-clients.svg') ?? '';
    assert.equal(svg.match(/<circle /g)?.length, 3);
    assert.match(svg, /2 threads/);
  });
});
