/** Runs a flood on a separate thread, so that its work does not delay the measurement. */
import { parentPort, workerData } from 'node:worker_threads';
import { FLOODS } from './floods.ts';

const { name, url, keys } = workerData as { name: string; url: string; keys: readonly string[] };
const flood = await FLOODS[name]?.(url, keys);
parentPort?.once('message', async () => {
  await flood?.stop();
  parentPort?.postMessage(Object.fromEntries(flood?.answers ?? []));
  parentPort?.close();
});
parentPort?.postMessage('begun');
