/** Metrics of how things stand, looked at when Prometheus asks. */
import { stat, statfs } from 'node:fs/promises';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Executor } from '../native/executor.ts';
import { CHECKS, type Health } from './health.ts';

/** What is looked at. Times are milliseconds since 1970. */
export interface StateSources {
  readonly executor: Pick<Executor, 'stats'>;
  /** Jobs that may wait. */
  readonly maxQueue: number;
  readonly health: Health;
  readonly index: {
    readonly total: number;
    readonly galleries: number;
    readonly bytes: number;
    readonly upkeep: { readonly linked: number; readonly tombstones: number };
  };
  /** How the index was filled when the service started. */
  readonly indexStart: { readonly faces: number; readonly fromSnapshots: number; readonly seconds: number };
  /** Snapshots of the index since the start, and bytes of those that are there. */
  readonly snapshots: () => { readonly written: number; readonly failed: number; readonly bytes: number };
  /** The model packs at work. */
  readonly models: readonly {
    readonly pack: string;
    readonly version: string;
    /** What runs the networks, such as `CPUExecutionProvider`, and on what. */
    readonly provider: string;
    readonly device: string;
  }[];
  /** The store's file. Its file system is the one whose room is told. */
  readonly storeFile: string;
  /** When the last backup was complete; null where none is known. */
  readonly lastBackup: () => number | null;
  /** When the TLS certificate in use expires; null where the service has none. */
  readonly certificateExpiry: () => number | null;
}

/** Adds gauges to a registry. One that cannot be told at the moment is left out of the answer. */
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
  const seconds = (time: number | null) => (time === null ? null : time / 1000);

  gauge('visage_executor_threads', 'Threads for pictures and searches.', () => executor.stats().threads);
  gauge('visage_executor_jobs_running', 'Jobs at work on a thread.', () => executor.stats().running);
  gauge('visage_executor_jobs_queued', 'Jobs that wait for a thread.', () => executor.stats().queued);
  gauge(
    'visage_executor_queue_limit_jobs',
    'Jobs that may wait; more are answered OVERLOADED.',
    () => sources.maxQueue,
  );
  gauge('visage_index_templates', 'Templates in the vector index, of all galleries.', () => index.total);
  gauge('visage_index_galleries', 'Galleries that the vector index holds.', () => index.galleries);
  gauge(
    'visage_index_size_bytes',
    'Memory that the vector index takes, of all galleries.',
    () => index.bytes,
  );
  gauge(
    'visage_index_linked_templates',
    'Templates that are found through a graph, removed ones too; all others are looked at one by one.',
    () => index.upkeep.linked,
  );
  gauge(
    'visage_index_removed_templates',
    'Templates that were removed and whose memory is still held.',
    () => index.upkeep.tombstones,
  );
  gauge(
    'visage_index_start_duration_seconds',
    'What filling the vector index took when the service started.',
    () => sources.indexStart.seconds,
  );
  const { faces, fromSnapshots } = sources.indexStart;
  const started = new Gauge({
    name: 'visage_index_start_templates',
    help: 'Templates that the vector index was filled with at the start, by where they came from.',
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
    help: 'Snapshots of the vector index that were written, or could not be, since the start.',
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
  gauge('visage_store_disk_free_bytes', "Room left for the service on the store's file system.", async () => {
    const { bavail, bsize } = await statfs(storeFile);
    return bavail * bsize;
  });
  gauge('visage_store_disk_size_bytes', "Size of the store's file system.", async () => {
    const { blocks, bsize } = await statfs(storeFile);
    return blocks * bsize;
  });
  gauge('visage_ready', '1 while the service can do its work, as /readyz says.', () =>
    Number(health.report().ready),
  );
  gauge(
    'visage_last_backup_timestamp_seconds',
    'When the last backup was complete; absent where none is known.',
    () => seconds(sources.lastBackup()),
  );
  gauge(
    'visage_tls_certificate_expiry_timestamp_seconds',
    'When the TLS certificate in use expires; absent without TLS.',
    () => seconds(sources.certificateExpiry()),
  );
  new Gauge({
    name: 'visage_health_check',
    help: '1 for each check of /readyz that has passed.',
    labelNames: ['check'],
    registers: [registry],
    collect() {
      const { checks } = health.report();
      for (const check of CHECKS) this.set({ check }, Number(checks[check]));
    },
  });
  const modelInfo = new Gauge({
    name: 'visage_model_info',
    help: 'Always 1; the labels say which model packs are at work, and on what.',
    labelNames: ['pack', 'version', 'provider', 'device'],
    registers: [registry],
  });
  for (const model of models) modelInfo.set(model, 1);
}
