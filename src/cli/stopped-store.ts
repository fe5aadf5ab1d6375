import { Audit } from '../access/audit/audit.ts';
import type { Config } from '../config/config.ts';
import { takeDataFolder } from '../ops/data-folder.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { createLog } from '../ops/log.ts';
import { Store } from '../store/store.ts';

export function auditOf(store: Store, { audit }: Config): Audit {
  return new Audit(store.audit, { now: Date.now, log: createLog('silent'), retention: audit });
}

/** @throws ExitError `locked` if the service runs. */
export async function inStore<T>(config: Config, work: (store: Store) => Promise<T>): Promise<T> {
  takeDataFolder(config.dataDir);
  const store = Store.open(config.dataDir);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/**
 * @param what an imperative.
 * @throws ExitError `locked` if the service runs.
 */
export function takeStoppedFolder(dataDir: string, what: string): void {
  try {
    takeDataFolder(dataDir);
  } catch (error) {
    if (!(error instanceof ExitError && error.exitCode === EXIT.locked)) throw error;
    throw new ExitError(
      EXIT.locked,
      `The service is running on ${dataDir}. Stop it with \`systemctl stop visage\`, ${what}, and start it again.`,
    );
  }
}

export async function recordAct(
  config: Config,
  act: { readonly action: 'store.restore' | 'store.compact'; readonly target: string | null },
): Promise<void> {
  const store = Store.open(config.dataDir);
  try {
    const audit = auditOf(store, config);
    await audit.record({ actor: { kind: 'operator', id: null }, ...act });
    await audit.close();
  } finally {
    await store.close();
  }
}
