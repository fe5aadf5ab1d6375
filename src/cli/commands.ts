/** Every command, in the order in which the help and the manual show them. */
import { auditExport } from './audit-export.ts';
import { auditVerify } from './audit-verify.ts';
import { backup } from './backup.ts';
import { collectionsCreate } from './collections-create.ts';
import { collectionsDelete } from './collections-delete.ts';
import { collectionsList } from './collections-list.ts';
import { collectionsReset } from './collections-reset.ts';
import { collectionsShow } from './collections-show.ts';
import type { Command } from './command.ts';
import { configCheck } from './config-check.ts';
import { doctor } from './doctor.ts';
import { importPeople } from './import.ts';
import { keysCreate } from './keys-create.ts';
import { keysList } from './keys-list.ts';
import { keysRevoke } from './keys-revoke.ts';
import { membersCreate } from './members-create.ts';
import { membersList } from './members-list.ts';
import { membersRemove } from './members-remove.ts';
import { membersResetPassword } from './members-reset-password.ts';
import { membersRole } from './members-role.ts';
import { modelsCalibrate } from './models-calibrate.ts';
import { modelsCheck } from './models-check.ts';
import { modelsList } from './models-list.ts';
import { reload } from './reload.ts';
import { restore } from './restore.ts';
import { status } from './status.ts';
import { tokensRotate } from './tokens-rotate.ts';
import { verify } from './verify.ts';

export const COMMANDS: readonly Command[] = [
  status,
  doctor,
  configCheck,
  collectionsList,
  collectionsShow,
  collectionsCreate,
  collectionsReset,
  collectionsDelete,
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
  modelsCalibrate,
  backup,
  restore,
  verify,
  auditExport,
  auditVerify,
];
