import { existsSync } from 'node:fs';
import { FAISS_LIBRARY, whySearchUnavailable } from '../native/gallery-index.ts';
import type { Log } from '../ops/log.ts';

/** A library that searches on a GPU, and who is told when it fails. */
export interface SearchDevice {
  readonly library: string;
  readonly log: Log;
}

/** The GPU for searches where this build has the library and it works; a line of the log says so, or why not. */
export function findSearchDevice(log: Log, library = FAISS_LIBRARY): SearchDevice | null {
  const why = existsSync(library) ? whySearchUnavailable(library) : 'this build has no library by FAISS';
  if (why === null) {
    log.info('large galleries are searched on the GPU');
    return { library, log };
  }
  log.info({ why }, 'galleries are searched on the CPU');
  return null;
}
