import { join } from 'node:path';
import { findSearchDevice, GalleryIndexes } from '../gallery/gallery-indexes.ts';
import { BATCH, type IndexStart, startIndexes } from '../gallery/load-indexes.ts';
import { RowConversion } from '../gallery/row-conversion.ts';
import { SnapshotFolder } from '../gallery/snapshot-folder.ts';
import { LEAST_FACES, SnapshotKeeper } from '../gallery/snapshot-scheduler.ts';
import { createExecutor } from '../native/executor.ts';
import { SNAPSHOTS } from '../ops/data-folder.ts';
import type { Store } from '../store/store.ts';
import { selfInference } from '../vision/self-inference.ts';
import type { Boot, Data } from './boot.ts';
import type { NetworkListeners } from './listen.ts';
import type { Models } from './models.ts';
import type { Undos } from './shutdown.ts';

const PROGRESS_INTERVAL_MS = 1_000;
/** systemd ends a start that reports nothing for this long. */
const PROGRESS_LIMIT_S = 60;

export interface Indexes {
  readonly indexes: GalleryIndexes;
  readonly indexStart: IndexStart;
  readonly keeper: SnapshotKeeper;
  readonly conversion: RowConversion;
}

/** All stages before the application. */
export interface Stages {
  readonly boot: Boot;
  readonly listeners: NetworkListeners;
  readonly data: Data;
  readonly models: Models;
  readonly indexes: Indexes;
}

/** @throws Error if an index differs from the store, or a network does not run. */
export async function openIndexes(
  boot: Boot,
  store: Store,
  { executor, provider, recognizers }: Models,
  undos: Undos,
): Promise<Indexes> {
  const { config, health, log } = boot;
  const snapshots = new SnapshotFolder(join(config.dataDir, SNAPSHOTS));
  const device = provider === 'cpu' ? null : findSearchDevice(log);
  const { rowsOnDiskFrom: least } = config;
  const rowsAt = (gallery: number, labels: readonly number[]) => store.faces.rowsAt(gallery, labels, BATCH);
  const storage = least > 0 ? { least, rowsAt, log } : null;
  const indexes = new GalleryIndexes(executor, snapshots, device, storage);
  const onProgress = progressReport(boot);
  const indexStart = await startIndexes(
    { store, indexes, snapshots, packs: recognizers.serving, log },
    onProgress,
  );
  const { faces, fromSnapshots, seconds } = indexStart;
  health.progress(null);
  log.info({ done: faces, total: faces, fromSnapshots, seconds }, 'the index is complete');
  health.pass('indexConsistent');
  const background = createExecutor({ threads: 1, maxQueue: 1 });
  undos.add('executor', () => background.close());
  const keeper = new SnapshotKeeper({
    faces: store.faces,
    indexes,
    snapshots,
    packs: recognizers.serving.map(({ packId }) => packId),
    leastFaces: LEAST_FACES,
    background,
    now: Date.now,
    log,
  });
  for (const recognizer of recognizers.serving) await selfInference(recognizer);
  health.pass('selfInference');
  const conversion = new RowConversion({ faces: store.faces, packs: recognizers.serving, log });
  return { indexes, indexStart, keeper, conversion };
}

/** To `/readyz`, and once a second to log and systemd. */
function progressReport({ health, log, manager }: Boot): (done: number, total: number) => void {
  let reportedAt: number | null = null;
  let reported = -1;
  return (done, total) => {
    health.progress(`The index has ${done} of ${total} faces.`);
    if (done === reported) return;
    const isFirst = reportedAt === null;
    if (reportedAt !== null && performance.now() - reportedAt < PROGRESS_INTERVAL_MS) return;
    reportedAt = performance.now();
    reported = done;
    log.info({ done, total }, 'filling the index');
    if (!isFirst) manager.starting(`Reading faces: ${done} of ${total}`, PROGRESS_LIMIT_S);
  };
}
