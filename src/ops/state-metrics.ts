import { stat, statfs } from 'node:fs/promises';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Executor } from '../native/executor.ts';
import { CHECKS, type Health } from './health.ts';

interface IndexTotals {
  readonly galleries: number;
  readonly templates: number;
  readonly bytes: number;
  readonly tombstones: number;
  readonly onDisk: number;
}

export interface StateSources {
  readonly executor: Pick<Executor, 'stats'>;
  readonly maxQueue: number;
  readonly health: Health;
  readonly index: { totals(): IndexTotals };
  readonly indexStart: { readonly faces: number; readonly fromSnapshots: number; readonly seconds: number };
  /** `bytes` is the size of all snapshots. */
  readonly snapshots: () => { readonly written: number; readonly failed: number; readonly bytes: number };
  readonly models: readonly {
    readonly pack: string;
    readonly version: string;
    readonly provider: string;
    readonly device: string;
  }[];
  readonly storeFile: string;
  readonly lastBackup: () => number | null;
  readonly connections: { readonly open: number; readonly closed: Readonly<Record<string, number>> };
  readonly events: () => {
    readonly recorded: number;
    readonly dropped: number;
    readonly stored: number;
    readonly streams: number;
  };
  readonly certificateExpiry: () => number | null;
}

/** Omits gauges without a current value. */
export function addStateMetrics(registry: Registry, sources: StateSources): void {
  const { executor, index, health, models, storeFile } = sources;
  const gauge = (name: string, help: string, value: () => number | null | Promise<number>) => {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.reset();
        const now = await Promise.resolve()
          .then(value)
          .catch(() => null);
        if (now === null) this.remove();
        else this.set(now);
      },
    });
  };
  const totals = onceATurn(() => index.totals());
  const seconds = (time: number | null) => (time === null ? null : time / 1000);

  gauge('visage_executor_threads', 'Threads for images and searches.', () => executor.stats().threads);
  gauge('visage_executor_jobs_running', 'Jobs running on a thread.', () => executor.stats().running);
  gauge('visage_executor_jobs_queued', 'Jobs waiting for a thread.', () => executor.stats().queued);
  gauge(
    'visage_executor_queue_limit_jobs',
    'Limit of waiting jobs; further requests get OVERLOADED.',
    () => sources.maxQueue,
  );
  gauge(
    'visage_index_templates',
    'Templates in the vector index, of all galleries.',
    () => totals().templates,
  );
  gauge('visage_index_galleries', 'Galleries in the vector index.', () => totals().galleries);
  gauge('visage_index_size_bytes', 'Memory of the vector index, of all galleries.', () => totals().bytes);
  gauge(
    'visage_index_removed_templates',
    'Removed templates that still occupy memory.',
    () => totals().tombstones,
  );
  gauge(
    'visage_index_stored_templates',
    'Templates whose rows are on disk, removed ones included.',
    () => totals().onDisk,
  );
  gauge(
    'visage_index_start_duration_seconds',
    'Time to load the vector index at the start.',
    () => sources.indexStart.seconds,
  );
  const { faces, fromSnapshots } = sources.indexStart;
  const started = new Gauge({
    name: 'visage_index_start_templates',
    help: 'Templates loaded into the vector index at the start, by source.',
    labelNames: ['source'],
    registers: [registry],
  });
  started.set({ source: 'snapshot' }, fromSnapshots);
  started.set({ source: 'store' }, faces - fromSnapshots);
  gauge(
    'visage_snapshots_size_bytes',
    'Size of the snapshots of the vector index on disk.',
    () => sources.snapshots().bytes,
  );
  new Counter({
    name: 'visage_snapshot_writes_total',
    help: 'Snapshot writes of the vector index since the start, by result.',
    labelNames: ['result'],
    registers: [registry],
    collect() {
      const { written, failed } = sources.snapshots();
      this.reset();
      this.inc({ result: 'written' }, written);
      this.inc({ result: 'failed' }, failed);
    },
  });
  gauge('visage_store_size_bytes', "Size of the store's file.", async () => (await stat(storeFile)).size);
  gauge(
    'visage_store_disk_free_bytes',
    "Free space for the service on the store's file system.",
    async () => {
      const { bavail, bsize } = await statfs(storeFile);
      return bavail * bsize;
    },
  );
  gauge('visage_store_disk_size_bytes', "Size of the store's file system.", async () => {
    const { blocks, bsize } = await statfs(storeFile);
    return blocks * bsize;
  });
  new Counter({
    name: 'visage_events_total',
    help: 'Events of recognition since the start, by result; the service drops events if the disk is too slow for them.',
    labelNames: ['result'],
    registers: [registry],
    collect() {
      const { recorded, dropped } = sources.events();
      this.reset();
      this.inc({ result: 'recorded' }, recorded);
      this.inc({ result: 'dropped' }, dropped);
    },
  });
  gauge('visage_events_stored', 'Events in the store, of all accounts.', () => sources.events().stored);
  gauge('visage_event_streams', 'Open streams of events.', () => sources.events().streams);
  gauge('visage_http_connections', 'Open connections of all listeners.', () => sources.connections.open);
  new Counter({
    name: 'visage_http_connections_closed_total',
    help: 'Connections that the service refused or closed, by reason.',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(sources.connections.closed)) this.inc({ reason }, count);
    },
  });
  gauge('visage_ready', '1 while the service is ready, like /readyz.', () => Number(health.report().ready));
  gauge('visage_last_backup_timestamp_seconds', 'Completion of the last backup; absent if unknown.', () =>
    seconds(sources.lastBackup()),
  );
  gauge(
    'visage_tls_certificate_expiry_timestamp_seconds',
    'Expiry of the current TLS certificate; absent without TLS.',
    () => seconds(sources.certificateExpiry()),
  );
  new Gauge({
    name: 'visage_health_check',
    help: '1 for each passed check of /readyz.',
    labelNames: ['check'],
    registers: [registry],
    collect() {
      const { checks } = health.report();
      for (const check of CHECKS) this.set({ check }, Number(checks[check]));
    },
  });
  const modelInfo = new Gauge({
    name: 'visage_model_info',
    help: 'Always 1; the labels name the loaded model packs and their devices.',
    labelNames: ['pack', 'version', 'provider', 'device'],
    registers: [registry],
  });
  for (const model of models) modelInfo.set(model, 1);
}

function onceATurn<T>(read: () => T): () => T {
  let known: { readonly value: T } | null = null;
  return () => {
    if (known) return known.value;
    known = { value: read() };
    setImmediate(() => {
      known = null;
    });
    return known.value;
  };
}
