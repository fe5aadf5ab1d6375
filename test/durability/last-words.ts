/** Writes faces to a store and dies of SIGKILL at the very moment when the last one is acknowledged. */
import { writeSync } from 'node:fs';
import { FACE, storeWithCollection, template } from '../store/temporary-store.ts';

const [folder, count] = process.argv.slice(2) as [string, string];
const { store, owner } = await storeWithCollection(folder);
for (let i = 1; i <= Number(count); i++) {
  const { faceId } = await store.faces.add(owner, 'people', FACE, template(i));
  writeSync(1, `${faceId}\n`);
}
process.kill(process.pid, 'SIGKILL');
