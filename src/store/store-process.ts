/** Child process of `isolated-store.ts`. */
import { checkStructure, copyRecords, StructureError } from './store-copy.ts';
import { StoreReader, type StoreSummary } from './store-reader.ts';

export type StoreTask =
  | { readonly kind: 'structure' | 'summary' | 'inspect'; readonly folder: string }
  | { readonly kind: 'copy'; readonly folder: string; readonly to: string };

export interface Inspection {
  readonly store: StoreSummary;
  readonly faults: readonly string[];
}

export type StoreAnswer =
  | { readonly inspection: Inspection | null }
  /** `isDamage`: the file, not the system, caused the error. */
  | { readonly error: string; readonly isDamage: boolean };

const MAX_FAULTS = 1000;

const MAX_MESSAGE = 200;

const NOT_DAMAGE = new Set([-30790, -30792, -30785]);

async function inspect({ kind, folder }: StoreTask): Promise<Inspection> {
  if (kind === 'inspect') await checkStructure(folder);
  const reader = StoreReader.open(folder);
  try {
    const faults = kind === 'inspect' ? reader.check().slice(0, MAX_FAULTS) : [];
    return { store: reader.summary(), faults };
  } finally {
    await reader.close();
  }
}

async function perform(task: StoreTask): Promise<StoreAnswer> {
  try {
    if (task.kind === 'copy') await copyRecords(task.folder, task.to);
    else if (task.kind === 'structure') await checkStructure(task.folder);
    else return { inspection: await inspect(task) };
    return { inspection: null };
  } catch (error) {
    const { code, message } = ((error as Error).cause ?? error) as { code?: unknown; message: string };
    const isSystem =
      typeof code === 'string' || (typeof code === 'number' && (code > 0 || NOT_DAMAGE.has(code)));
    return { error: message.slice(0, MAX_MESSAGE), isDamage: error instanceof StructureError || !isSystem };
  }
}

process.once('disconnect', () => process.exit(0));
process.send?.(await perform(JSON.parse(process.argv[2] ?? '') as StoreTask));
