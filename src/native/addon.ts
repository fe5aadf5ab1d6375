/**
 * An `Executor`'s threads do the work, never libuv's pool. Failures are `VisageError`s; a wrong type or size
 * throws a TypeError at once. Typed arrays must not change until the promise settles.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isErrorCode, VisageError } from '../errors.ts';

const ADDON_FILE = fileURLToPath(new URL('../../../build/Release/visage.node', import.meta.url));

let loaded: unknown;

/** @throws Error. */
export function addon<Exports>(): Exports {
  loaded ??= load();
  return loaded as Exports;
}

function load(): unknown {
  if (!existsSync(ADDON_FILE)) {
    throw new Error(`The native addon is missing (${ADDON_FILE}). Run \`npm run setup\` to build it.`);
  }
  try {
    return createRequire(import.meta.url)(ADDON_FILE);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    // glibc prints this message if the processor is too old.
    if (why.includes('CPU ISA level')) {
      throw new Error('Visage needs a processor with AVX2 and FMA (x86-64-v3), which this one lacks.', {
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

export async function withCallerStack<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const { code, message } = cause as { code?: unknown; message?: string };
    if (isErrorCode(code)) throw new VisageError(code, message ?? code);
    throw new Error(message ?? 'The native addon failed', { cause });
  }
}
