/** `node forced-end.js FOLDER`: ends by force while LMDB waits for this thread to run a transaction. */
import { exitNow } from '../../src/native/system.ts';
import { EXIT } from '../../src/ops/exit-codes.ts';
import { Store } from '../../src/store/store.ts';

const store = Store.open(process.argv[2] as string);
const write = () => store.credits.countCalls([]);
await write();
void write();
await new Promise((resolve) => setImmediate(resolve));
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
exitNow(EXIT.forced);
