/** The collection of garbage on demand, for benches that look at memory or hold much of it outside of V8. */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Gives back what nobody holds any more, what addons' objects have outside of V8 too. */
export async function collectGarbage(): Promise<void> {
  collect();
  // Addons are told in a later turn of the loop.
  await setImmediate();
}
