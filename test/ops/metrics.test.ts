import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Health } from '../../src/ops/health.ts';
import { Metrics } from '../../src/ops/metrics.ts';
import { stageTook } from '../../src/ops/stage-times.ts';
import { addStateMetrics, type StateSources } from '../../src/ops/state-metrics.ts';
import { SEARCH_RECORD as RECORD } from '../../testing/exposition.ts';

let metrics: Metrics;
beforeEach(() => {
  metrics = new Metrics({ version: '1.2.3', onnxruntime: '9.9', searchKernel: 'avx2' });
});
afterEach(() => metrics.close());

async function value(series: string): Promise<number | undefined> {
  const line = (await metrics.exposition()).split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

describe('Requests', () => {
  test('are timed by operation and class of status, and counted while they are in flight', async () => {
    metrics.requestBegan();
    metrics.requestBegan();
    assert.equal(await value('visage_http_requests_in_flight'), 2);
    metrics.requestEnded(RECORD);
    metrics.requestEnded({ ...RECORD, ms: 300, status: 429, code: 'RATE_LIMIT_EXCEEDED' });
    assert.equal(await value('visage_http_requests_in_flight'), 0);
    const of = (part: string, labels: string) =>
      value(`visage_http_request_duration_seconds_${part}{${labels}}`);
    const found = 'operation="searchFace",status="2xx"';
    assert.equal(await of('count', found), 1);
    assert.equal(await of('sum', found), 0.03);
    assert.equal(await of('bucket', `le="0.025",${found}`), 0);
    assert.equal(await of('bucket', `le="0.05",${found}`), 1);
    assert.equal(await of('bucket', `le="+Inf",${found}`), 1);
    assert.equal(await of('count', 'operation="searchFace",status="4xx"'), 1);
  });

  test('that are answered with a problem are counted by its code, each of which is there from the start', async () => {
    assert.equal(await value('visage_http_problems_total{code="OVERLOADED"}'), 0);
    metrics.requestBegan();
    metrics.requestEnded({ ...RECORD, status: 503, code: 'OVERLOADED' });
    assert.equal(await value('visage_http_problems_total{code="OVERLOADED"}'), 1);
    assert.equal(await value('visage_http_problems_total{code="NOT_READY"}'), 0);
  });

  test('of unknown paths are one series, whatever the paths are', async () => {
    for (const requestId of ['a', 'b', 'c']) {
      metrics.requestBegan();
      metrics.requestEnded({ ...RECORD, requestId, route: null, operation: null, status: 404 });
    }
    const series = (await metrics.exposition()).match(/^visage_http_request_duration_seconds_count.*/gm);
    assert.deepEqual(series, [
      'visage_http_request_duration_seconds_count{operation="other",status="4xx"} 3',
    ]);
  });
});

test('Stages are timed in seconds while the metrics are open', async () => {
  stageTook('embed', 4);
  assert.equal(await value('visage_stage_duration_seconds_sum{stage="embed"}'), 0.004);
  assert.equal(await value('visage_stage_duration_seconds_bucket{le="0.0025",stage="embed"}'), 0);
  assert.equal(await value('visage_stage_duration_seconds_bucket{le="0.005",stage="embed"}'), 1);
  metrics.close();
  stageTook('embed', 4);
  assert.equal(await value('visage_stage_duration_seconds_count{stage="embed"}'), 1);
});

describe('How things stand', () => {
  const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
  const storeFile = join(folder, 'data.mdb');
  const sources: StateSources = {
    executor: { stats: () => ({ threads: 4, queued: 3, running: 2, ended: 0 }) },
    maxQueue: 64,
    health: new Health(),
    index: {
      totals: () => ({ galleries: 7, templates: 70, bytes: 77_000, tombstones: 5, onDisk: 4 }),
    },
    indexStart: { faces: 70, fromSnapshots: 60, seconds: 1.5 },
    snapshots: () => ({ written: 3, failed: 1, bytes: 1_000 }),
    models: [{ pack: 'p', version: '1', provider: 'CPUExecutionProvider', device: 'cpu' }],
    storeFile,
    lastBackup: () => 1_700_000_000_000,
    events: () => ({ recorded: 9, dropped: 1, stored: 5, streams: 2 }),
    connections: { open: 2, closed: {} },
    certificateExpiry: () => null,
  };
  beforeEach(() => writeFileSync(storeFile, 'twelve bytes'));
  afterEach(() => rmSync(storeFile, { force: true }));

  test('is looked at when it is asked for', async () => {
    addStateMetrics(metrics.registry, sources);
    const names = {
      visage_executor_threads: 4,
      visage_executor_jobs_running: 2,
      visage_executor_jobs_queued: 3,
      visage_executor_queue_limit_jobs: 64,
      visage_index_templates: 70,
      visage_index_galleries: 7,
      visage_index_size_bytes: 77_000,
      visage_index_removed_templates: 5,
      visage_store_size_bytes: 12,
      'visage_events_total{result="recorded"}': 9,
      'visage_events_total{result="dropped"}': 1,
      visage_events_stored: 5,
      visage_event_streams: 2,
      visage_ready: 0,
      visage_last_backup_timestamp_seconds: 1_700_000_000,
      'visage_health_check{check="storeOpen"}': 0,
      'visage_model_info{pack="p",version="1",provider="CPUExecutionProvider",device="cpu"}': 1,
    };
    for (const [name, expected] of Object.entries(names)) assert.equal(await value(name), expected, name);
    const free = (await value('visage_store_disk_free_bytes')) ?? 0;
    const size = (await value('visage_store_disk_size_bytes')) ?? 0;
    assert.ok(free > 0 && free <= size);
    sources.health.pass('storeOpen');
    assert.equal(await value('visage_health_check{check="storeOpen"}'), 1);
  });

  test('leaves out what cannot be told, and tells the rest', async () => {
    let certificate: number | null = null;
    addStateMetrics(metrics.registry, { ...sources, certificateExpiry: () => certificate });
    const expiry = 'visage_tls_certificate_expiry_timestamp_seconds';
    assert.equal(await value(expiry), undefined);
    certificate = 2_000;
    assert.equal(await value(expiry), 2);
    certificate = null;
    assert.equal(await value(expiry), undefined);
    rmSync(storeFile);
    assert.equal(await value('visage_store_size_bytes'), undefined);
    assert.equal(await value('visage_executor_threads'), 4);
  });
});
