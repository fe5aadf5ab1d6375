import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isErrorCode } from '../../src/errors.ts';
import { exposition, familiesOf, metricsTable, STAGES, TABLE_IN_MANUAL } from '../../testing/exposition.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const ALERTS = 'monitoring/visage-alerts.yml';

const families = familiesOf(await exposition());

const operations = Object.values(JSON.parse(read('docs/openapi.json')).paths as Record<string, object>)
  .flatMap((path) => Object.values(path))
  .map(({ operationId }) => operationId as string);

const KNOWN: Readonly<Record<string, (value: string) => boolean>> = {
  code: isErrorCode,
  stage: (value) => STAGES.includes(value),
  status: (value) => /^[2-5]xx$/.test(value),
  operation: (pattern) => operations.some((operation) => new RegExp(`^(?:${pattern})$`).test(operation)),
};

const OF_PROMETHEUS = ['instance', 'job'];

function unknownNames(query: string): string[] {
  const names = [...query.matchAll(/\b((?:visage|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)];
  if (names.length === 0 && !/\bup\{/.test(query)) return [`${query}: no metric`];
  return names.flatMap(([, name = '', matchers = '']) => {
    const histogram = /^(.*)_(?:bucket|sum|count)$/.exec(name)?.[1] ?? '';
    const family = families.get(name) ?? families.get(histogram);
    if (!family || (family.name !== name && family.type !== 'histogram')) return [name];
    const labels = [...family.labels, ...OF_PROMETHEUS];
    const groups = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */));
    const wrong = groups.filter((label) => label !== 'le' && !labels.includes(label));
    for (const [, label = '', operator = '', value = ''] of matchers.matchAll(
      /(\w+)(=~|!=|!~|=)"([^"]*)"/g,
    )) {
      if (!labels.includes(label)) wrong.push(label);
      const values = label === 'operation' || !operator.includes('~') ? [value] : value.split('|');
      wrong.push(...values.filter((each) => KNOWN[label]?.(each) === false));
    }
    return wrong.map((each) => `${name}: ${each}`);
  });
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}
const board = JSON.parse(read('monitoring/grafana-visage.json')) as {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
};
const boardQueries = [
  ...board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...board.annotations.list.map(({ expr }) => expr),
];
const rules = read(ALERTS)
  .split(/^ {6}- alert: /m)
  .slice(1);
const ruleQueries = rules.map((rule) => /^ {8}expr: (.+)$/m.exec(rule)?.[1] ?? '');

describe('The names in a query', () => {
  test('are known, or a test says which are not', () => {
    assert.deepEqual(
      unknownNames('sum by (operation) (rate(visage_http_request_duration_seconds_count[5m]))'),
      [],
    );
    assert.deepEqual(unknownNames('visage_nothing > 1'), ['visage_nothing']);
    assert.deepEqual(unknownNames('visage_ready_count'), ['visage_ready_count']);
    assert.deepEqual(unknownNames('visage_ready{collection="a"}'), ['visage_ready: collection']);
    assert.deepEqual(unknownNames('sum by (code) (visage_ready)'), ['visage_ready: code']);
    assert.deepEqual(unknownNames('visage_http_problems_total{code=~"OVERLOADED|WRONG"}'), [
      'visage_http_problems_total: WRONG',
    ]);
    assert.deepEqual(unknownNames('visage_stage_duration_seconds_sum{stage="paint"}'), [
      'visage_stage_duration_seconds_sum: paint',
    ]);
    assert.deepEqual(unknownNames('1 + 1'), ['1 + 1: no metric']);
  });
});

describe('The board', () => {
  test('asks for nothing that the service does not have', () => {
    assert.ok(boardQueries.length > 30);
    assert.deepEqual(boardQueries.flatMap(unknownNames), []);
  });

  test('shows everything that the service has of its own', () => {
    const own = [...families.keys()].filter((name) => name.startsWith('visage_'));
    const shown = boardQueries.join(' ');
    assert.deepEqual(
      own.filter((name) => !shown.includes(name)),
      [],
    );
  });

  test('has a query in every panel, and no panel on top of another', () => {
    const { panels } = board;
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const cells = new Set<string>();
    for (const { title, type, targets = [], gridPos } of panels) {
      assert.equal(targets.length > 0, type !== 'row', title);
      const { x, y, w, h } = gridPos;
      assert.ok(x + w <= 24, title);
      for (let cell = 0; cell < w * h; cell++) {
        const place = `${x + (cell % w)} ${y + Math.floor(cell / w)}`;
        assert.ok(!cells.has(place), `${title} lies on another panel`);
        cells.add(place);
      }
    }
  });
});

describe('The alert rules', () => {
  test('ask for nothing that the service does not have', () => {
    assert.equal(ruleQueries.length, 15);
    assert.deepEqual(ruleQueries.flatMap(unknownNames), []);
  });

  test('each have a name of their own, a severity, and say what it is and what to do', () => {
    const names = rules.map((rule) => rule.split('\n', 1)[0] as string);
    assert.equal(new Set(names).size, names.length);
    for (const rule of rules) {
      assert.match(rule, /^Visage[A-Za-z]+\n/);
      assert.match(rule, /^ {8}labels: \{ severity: (warning|critical) \}$/m);
      assert.match(rule, /^ {10}summary: \S.+$/m);
      assert.match(rule, /^ {10}description: \S.+$/m);
    }
  });

  test('each have a test in which they fire', () => {
    const tests = read('monitoring/visage-alerts.test.yml');
    for (const rule of rules) assert.match(tests, new RegExp(`name: ${rule.split('\n', 1)[0]} fires`));
  });
});

const promtool = (args: string[]) => spawnSync('promtool', args, { encoding: 'utf8', cwd: ROOT });
const skip = promtool(['--version']).error ? 'promtool is not installed (Debian: prometheus)' : false;

describe('Prometheus', { skip }, () => {
  const passes = (args: string[]) => {
    const { status, stdout, stderr } = promtool(args);
    assert.equal(status, 0, stdout + stderr);
  };

  test('takes the rules, and each fires when it should', () => {
    passes(['check', 'rules', ALERTS]);
    passes(['test', 'rules', 'monitoring/visage-alerts.test.yml']);
  });

  test('takes every query of the board', () => {
    const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
    const file = join(folder, 'board.yml');
    const expressions = boardQueries.map((query, i) => ({
      record: `board:query_${i}`,
      expr: query.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
    }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'board', rules: expressions }] }));
    passes(['check', 'rules', file]);
    rmSync(folder, { recursive: true });
  });

  test('finds nothing against its conventions in the exposition', async () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      encoding: 'utf8',
      input: await exposition(),
    });
    const ours = (stdout + stderr).split('\n').filter((line) => line.startsWith('visage_'));
    assert.deepEqual(ours, []);
    assert.notEqual(status, 1, stderr);
  });
});

test('The table of metrics in the manual is what the service tells (npm run metrics-table writes it)', () => {
  const rows = TABLE_IN_MANUAL.exec(read('docs/monitoring.md'))?.[2];
  assert.equal(rows, metricsTable(families.values()));
});
