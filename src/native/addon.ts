/**
 * The typed border to the C++ addon: plain data in, plain data out. Each file of this folder is the border of one part.
 *
 * Everything here returns at once on the JavaScript thread; the work runs on an `Executor`'s own threads, never on
 * libuv's pool. Failures are `VisageError`s with a code of `errors.ts`; an argument of a wrong type or size is a
 * TypeError that is thrown at once. Typed arrays are borrowed until the promise settles and must not change meanwhile.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isErrorCode, VisageError } from '../errors.ts';

/** `build/Release/visage.node` at the project's top, seen from `dist/src/native/`. */
const ADDON_FILE = fileURLToPath(new URL('../../../build/Release/visage.node', import.meta.url));

let loaded: unknown;

/**
 * What the addon exports, loaded when first asked for.
 * @typeParam Part what the caller uses of it, as `native/addon/` defines it.
 * @throws Error in words for the operator where it is missing or does not load.
 */
export function addon<Part>(): Part {
  loaded ??= load();
  return loaded as Part;
}

function load(): unknown {
  if (!existsSync(ADDON_FILE)) {
    throw new Error(`The native addon is missing (${ADDON_FILE}). Run \`npm run setup\` to build it.`);
  }
  try {
    return createRequire(import.meta.url)(ADDON_FILE);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    // glibc's words about a library that is marked, as ours is, as compiled for a newer processor.
    if (why.includes('CPU ISA level')) {
      throw new Error('Visage needs a processor with AVX2 and FMA (x86-64-v3), which this one is not.', {
        cause,
      });
    }
    throw new Error(
      `The native addon does not load: ${why}. Run \`npm run setup\` to build it for this machine.`,
      {
        cause,
      },
    );
  }
}

/**
 * Makes a failure of the addon an error whose stack leads to the caller: the addon's own has no JavaScript frames,
 * and taking one on every call would cost time on the way that does not fail.
 */
export async function crossing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const { code, message } = cause as { code?: unknown; message?: string };
    if (isErrorCode(code)) throw new VisageError(code, message ?? code);
    throw new Error(message ?? 'The native addon failed', { cause });
  }
}
