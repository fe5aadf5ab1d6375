/** `node failed-start.js FOLDER closes|hangs`: fails after the store is open; with `hangs`, closing does not end. */
import { EXIT, ExitError } from '../../src/ops/exit-codes.ts';
import { Health } from '../../src/ops/health.ts';
import { type Boot, openData } from '../../src/service/boot.ts';
import { endFailedStart, Undos } from '../../src/service/shutdown.ts';

const LIMIT_MS = 500;

const [dataDir, how] = process.argv.slice(2);
const undos = new Undos();
const booted = { config: { dataDir }, environment: {}, health: new Health() } as unknown as Boot;
const { store, signingKeysReady } = openData(booted, undos);
await signingKeysReady;
const close = store.close.bind(store);
store.close = async () => {
  await close();
  process.stderr.write('closed\n');
};

async function hang(): Promise<never> {
  await store.credits.countCalls([]);
  setTimeout(() => {
    void store.credits.countCalls([]);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LIMIT_MS));
  }, LIMIT_MS / 2);
  return new Promise(() => {});
}

if (how === 'hangs') undos.add('usage', hang);
await endFailedStart(new ExitError(EXIT.locked, 'The folder is taken.'), undos, LIMIT_MS);
