import { join } from 'node:path';
import { BackupJob } from '../appliance/backup-job.ts';
import { Diagnoser } from '../appliance/diagnosis.ts';
import { HistoryRecorder } from '../appliance/history.ts';
import type { ApplianceParts } from '../appliance/routes.ts';
import { dataBytes, type SystemSources } from '../appliance/system-state.ts';
import { startVisagectl } from '../appliance/visagectl.ts';
import { configOf } from '../config/config.ts';
import { defaultSettings } from '../config/load.ts';
import type { Metrics } from '../ops/metrics.ts';
import type { Reloader } from '../ops/reload.ts';
import { readLastBackup, STORE_FILE } from '../store/backup.ts';
import type { Stages } from './indexes.ts';
import type { Undos } from './shutdown.ts';

export function createAppliance(
  stages: Stages,
  metrics: Metrics,
  reloader: () => Reloader,
  undos: Undos,
): ApplianceParts {
  const { boot, data, models } = stages;
  const { config, environment, log } = boot;
  const defaults = defaultSettings(environment);
  const settings = () => ({ values: reloader().values, sources: reloader().sources, defaults });
  const start = (args: readonly string[]) =>
    startVisagectl([...args, '--data-dir', config.dataDir], {
      ...environment,
      VISAGE_BACKUP_KEY: configOf(reloader().values).backupKey,
    });
  const backup = new BackupJob({
    target: () => {
      const { backupDir, backupKeep } = configOf(reloader().values);
      return backupDir === null ? null : { folder: backupDir, keep: backupKeep };
    },
    start,
    now: Date.now,
    log,
  });
  undos.add('passwords', () => backup.close());
  const system = systemSources(stages, reloader, backup);
  const history = new HistoryRecorder({
    history: data.store.history,
    queueLength: () => models.executor.stats().queued,
    memoryBytes: () => process.memoryUsage.rss(),
    diskBytes: () => dataBytes(system),
    now: Date.now,
    log,
  });
  undos.add('usage', () => history.close());
  const diagnosis = new Diagnoser({
    settings,
    system,
    history,
    doctor: () => start(['doctor', '--json']),
    metrics: () => metrics.exposition(),
  });
  return { settings, system, history, backup, diagnosis };
}

function systemSources(
  { boot, listeners, data: { store }, models, indexes }: Stages,
  reloader: () => Reloader,
  backup: BackupJob,
): SystemSources {
  const { config, version } = boot;
  return {
    version,
    startedAt: Date.now() - process.uptime() * 1000,
    device: models.provider,
    models: models.facts,
    executor: models.executor,
    maxQueue: config.maxQueue,
    index: () => indexes.indexes.countTotals(),
    store,
    storeFile: join(config.dataDir, STORE_FILE),
    snapshotBytes: () => indexes.keeper.counts.bytes,
    certificate: () => {
      const certificate = listeners.tls?.certificate;
      if (!certificate) return null;
      return { expiresAt: certificate.expiresAt, isSelfSigned: certificate.source === 'self-signed' };
    },
    isExposedWithoutTls: () => listeners.isExposedWithoutTls,
    lastBackup: () => readLastBackup(config.dataDir),
    backupFailure: () => backup.failure,
    settings: () => reloader().values,
    settingsThatNeedRestart: () => reloader().needRestart,
    now: Date.now,
  };
}
