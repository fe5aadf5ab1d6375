import type { Caller } from '../access/caller.ts';
import { VisageError } from '../errors.ts';
import type { FaceRecord } from '../store/records.ts';

/** A new face has no external key, so it is none that a limited caller may have. @throws VisageError `FACE_NOT_ALLOWED`. */
export function checkMayIndex({ allowedExternalKeys }: Caller): void {
  if (allowedExternalKeys === null) return;
  throw new VisageError('FACE_NOT_ALLOWED', 'This API key is limited to some faces and may not add others.');
}

/** Whether a caller who is limited to some faces is shown this one. */
export function maySee({ allowedExternalKeys }: Caller, { externalKey }: FaceRecord): boolean {
  return allowedExternalKeys === null || (externalKey !== null && allowedExternalKeys.includes(externalKey));
}
