import { auditExport, auditVerify } from './audit.ts';
import { backup } from './backup.ts';
import {
  collectionsCreate,
  collectionsDelete,
  collectionsList,
  collectionsReset,
  collectionsShow,
} from './collections.ts';
import { collectionsExamine } from './collections-examine.ts';
import type { Command } from './command.ts';
import { compact } from './compact.ts';
import { configCheck } from './config-check.ts';
import { doctor } from './doctor.ts';
import { importPeople } from './import.ts';
import { keysCreate, keysList, keysRevoke } from './keys.ts';
import { membersCreate, membersList, membersRemove, membersResetPassword, membersRole } from './members.ts';
import { modelsBasis } from './models-basis.ts';
import { modelsCalibrate } from './models-calibrate.ts';
import { modelsCheck } from './models-check.ts';
import { modelsCohort } from './models-cohort.ts';
import { modelsList } from './models-list.ts';
import { modelsMigrate } from './models-migrate.ts';
import { reload } from './reload.ts';
import { restore } from './restore.ts';
import { status } from './status.ts';
import { tokensRotate } from './tokens-rotate.ts';
import { verify } from './verify.ts';
import { version } from './version.ts';

export const COMMANDS: readonly Command[] = [
  status,
  doctor,
  configCheck,
  collectionsList,
  collectionsShow,
  collectionsCreate,
  collectionsReset,
  collectionsDelete,
  collectionsExamine,
  importPeople,
  keysCreate,
  keysList,
  keysRevoke,
  membersCreate,
  membersList,
  membersRole,
  membersRemove,
  membersResetPassword,
  tokensRotate,
  reload,
  modelsCheck,
  modelsList,
  modelsMigrate,
  modelsCalibrate,
  modelsBasis,
  modelsCohort,
  backup,
  restore,
  verify,
  compact,
  auditExport,
  auditVerify,
  version,
];
