import type { Command } from './command.ts';

interface Entry {
  readonly load: () => Promise<Command>;
  /** A damaged store may crash the command: a separate process runs it. */
  readonly readsStore?: true;
}

/** A command loads when used. */
const ENTRIES: Readonly<Record<string, Entry>> = {
  status: { load: async () => (await import('./status.ts')).status, readsStore: true },
  doctor: { load: async () => (await import('./doctor.ts')).doctor, readsStore: true },
  'config check': { load: async () => (await import('./config-check.ts')).configCheck },
  'collections list': {
    load: async () => (await import('./collections.ts')).collectionsList,
    readsStore: true,
  },
  'collections show': {
    load: async () => (await import('./collections.ts')).collectionsShow,
    readsStore: true,
  },
  'collections create': { load: async () => (await import('./collections.ts')).collectionsCreate },
  'collections reset': { load: async () => (await import('./collections.ts')).collectionsReset },
  'collections delete': { load: async () => (await import('./collections.ts')).collectionsDelete },
  'collections examine': { load: async () => (await import('./collections-examine.ts')).collectionsExamine },
  import: { load: async () => (await import('./import.ts')).importPeople },
  'keys create': { load: async () => (await import('./keys.ts')).keysCreate },
  'keys list': { load: async () => (await import('./keys.ts')).keysList },
  'keys revoke': { load: async () => (await import('./keys.ts')).keysRevoke },
  'members create': { load: async () => (await import('./members.ts')).membersCreate },
  'members list': { load: async () => (await import('./members.ts')).membersList },
  'members role': { load: async () => (await import('./members.ts')).membersRole },
  'members remove': { load: async () => (await import('./members.ts')).membersRemove },
  'members reset-password': { load: async () => (await import('./members.ts')).membersResetPassword },
  'tokens rotate': { load: async () => (await import('./tokens-rotate.ts')).tokensRotate },
  reload: { load: async () => (await import('./reload.ts')).reload },
  'models check': { load: async () => (await import('./models-check.ts')).modelsCheck },
  'models list': { load: async () => (await import('./models-list.ts')).modelsList, readsStore: true },
  'models migrate': { load: async () => (await import('./models-migrate.ts')).modelsMigrate },
  'models calibrate': { load: async () => (await import('./models-calibrate.ts')).modelsCalibrate },
  'models basis': { load: async () => (await import('./models-basis.ts')).modelsBasis },
  'models cohort': { load: async () => (await import('./models-cohort.ts')).modelsCohort },
  backup: { load: async () => (await import('./backup.ts')).backup },
  restore: { load: async () => (await import('./restore.ts')).restore },
  verify: { load: async () => (await import('./verify.ts')).verify },
  compact: { load: async () => (await import('./compact.ts')).compact },
  'audit export': { load: async () => (await import('./audit.ts')).auditExport, readsStore: true },
  'audit verify': { load: async () => (await import('./audit.ts')).auditVerify, readsStore: true },
  version: { load: async () => (await import('./version.ts')).version },
};

export const COMMAND_NAMES: readonly string[] = Object.keys(ENTRIES);

export function loadCommands(names = COMMAND_NAMES): Promise<readonly Command[]> {
  return Promise.all(names.map((name) => loadCommand(name)));
}

/** @param name of `COMMAND_NAMES`. */
export function loadCommand(name: string): Promise<Command> {
  return (ENTRIES[name] as Entry).load();
}

export function readsStore(name: string): boolean {
  return ENTRIES[name]?.readsStore ?? false;
}
