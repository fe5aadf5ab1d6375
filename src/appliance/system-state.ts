import { statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { hostname, totalmem } from 'node:os';
import type { SettingName, SettingValues } from '../config/settings.ts';
import type { Provider } from '../native/device.ts';
import type { Executor } from '../native/executor.ts';
import type { LastBackup } from '../store/backup.ts';
import type { Store } from '../store/store.ts';
import { type Attention, attentionOf } from './attention.ts';
import { availableMemory } from './doctor/machine.ts';
import type { HistoryRecorder } from './history.ts';

export interface SystemSources {
  readonly version: string;
  readonly startedAt: number;
  readonly device: Provider;
  readonly models: readonly {
    readonly pack: string;
    readonly version: string;
    readonly provider: string;
    readonly device: string;
  }[];
  readonly executor: Pick<Executor, 'stats'>;
  readonly maxQueue: number;
  readonly index: () => Promise<{ readonly templates: number; readonly bytes: number }>;
  readonly store: Pick<Store, 'counts'>;
  readonly storeFile: string;
  readonly snapshotBytes: () => number;
  readonly certificate: () => { readonly expiresAt: number; readonly isSelfSigned: boolean } | null;
  /** A listener without TLS takes connections from other machines. */
  readonly isExposedWithoutTls: () => boolean;
  readonly lastBackup: () => LastBackup | null;
  readonly backupFailure: () => string | null;
  readonly settings: () => SettingValues;
  readonly settingsThatNeedRestart: () => readonly SettingName[];
  readonly now: () => number;
}

function memoryLimit(): number | null {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : null;
}

export function dataBytes({ storeFile, snapshotBytes }: SystemSources): number {
  return (statSync(storeFile, { throwIfNoEntry: false })?.size ?? 0) + snapshotBytes();
}

async function diskOf(sources: SystemSources) {
  try {
    const { bavail, blocks, bsize } = await statfs(sources.storeFile);
    return { dataBytes: dataBytes(sources), freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return null;
  }
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}

export async function systemState(sources: SystemSources, history: HistoryRecorder) {
  const { store, executor, maxQueue, models } = sources;
  const index = await sources.index();
  const { schema, accounts, collections } = store.counts();
  const { threads, queued, running } = executor.stats();
  const certificate = sources.certificate();
  const last = sources.lastBackup();
  const values = sources.settings();
  const disk = await diskOf(sources);
  const memory = {
    rssBytes: process.memoryUsage.rss(),
    limitBytes: memoryLimit(),
    indexBytes: index.bytes,
    systemFreeBytes: availableMemory(),
  };
  const attention: Attention[] = attentionOf({
    now: sources.now(),
    certificate,
    isExposedWithoutTls: sources.isExposedWithoutTls(),
    lastBackup: last && Date.parse(last.at),
    backupFailure: sources.backupFailure(),
    backupDir: values.backup_dir,
    disk,
    memory,
    eventsDays: values.events_days,
    isRegistrationOpen: values.registration === 'open',
    settingsThatNeedRestart: sources.settingsThatNeedRestart(),
    errorsOfLastHour: history.errorsOfLastHour(),
  });
  return {
    version: sources.version,
    nodeVersion: process.versions.node,
    startedAt: isoTime(sources.startedAt),
    hostname: hostname(),
    device: sources.device,
    threads,
    models: models.map(({ pack, version, provider, device }) => ({ model: pack, version, provider, device })),
    memory,
    disk,
    store: { schema, faces: index.templates, collections, accounts },
    queue: { length: queued, max: maxQueue, running },
    certificate: certificate && {
      expiresAt: isoTime(certificate.expiresAt),
      isSelfSigned: certificate.isSelfSigned,
    },
    lastBackup: last && { at: last.at, bytes: last.bytes },
    attention,
  };
}
