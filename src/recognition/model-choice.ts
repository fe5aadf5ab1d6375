import type { Caller } from '../api/caller.ts';
import { VisageError } from '../errors.ts';
import type { Collection } from '../store/records.ts';
import type { Recognizer, Recognizers } from '../vision/recognizer.ts';

/**
 * @param model default: the caller's first permitted pack.
 * @throws `MODEL_NOT_ALLOWED`; `VALIDATION_FAILED` for an unloaded pack.
 */
export function chooseModel(recognizers: Recognizers, caller: Caller, model: string | undefined): Recognizer {
  if (model === undefined) {
    const allowed = recognizers.all.find(({ packId }) => mayUse(caller, packId.pack));
    if (!allowed) throw notAllowed(recognizers.default.packId.pack);
    return allowed;
  }
  if (!mayUse(caller, model)) throw notAllowed(model);
  return requireLoaded(recognizers, model);
}

/**
 * @param model must match the collection's pack.
 * @throws `MODEL_NOT_ALLOWED`; `VALIDATION_FAILED` for another pack; `NOT_READY` for an unloaded one.
 */
export function modelOf(
  recognizers: Recognizers,
  caller: Caller,
  { pack, packVersion }: Collection,
  model?: string,
): Recognizer {
  if (model !== undefined && model !== pack) {
    if (!mayUse(caller, model)) throw notAllowed(model);
    requireLoaded(recognizers, model);
    throw wrongModel(`must be ${pack}, which the collection was made with`);
  }
  if (!mayUse(caller, pack)) throw notAllowed(pack);
  const recognizer = recognizers.of({ pack, packVersion });
  if (recognizer) return recognizer;
  throw new VisageError(
    'NOT_READY',
    `The faces of this collection were made with version ${packVersion} of the model pack ${pack}, which the appliance ` +
      `does not have. Install it, with its manifest as models/${pack}/versions/${packVersion}.json, and restart the ` +
      'appliance; or reset the collection and index its faces again.',
  );
}

/** @throws `MODEL_NOT_ALLOWED`. */
export function checkMayUse(caller: Caller, pack: string): void {
  if (!mayUse(caller, pack)) throw notAllowed(pack);
}

export function mayUse({ allowedModels }: Caller, pack: string): boolean {
  return allowedModels === null || allowedModels.includes(pack);
}

function notAllowed(pack: string): VisageError {
  return new VisageError('MODEL_NOT_ALLOWED', `This API key may not use the model pack ${pack}.`);
}

function requireLoaded(recognizers: Recognizers, model: string): Recognizer {
  const recognizer = recognizers.byName(model);
  if (!recognizer) throw wrongModel(`must be one of the loaded packs: ${recognizers.names.join(', ')}`);
  return recognizer;
}

function wrongModel(message: string): VisageError {
  return new VisageError('VALIDATION_FAILED', `model ${message}.`, [{ path: '/model', message }]);
}
