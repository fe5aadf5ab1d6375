import { Store } from '../../src/store/store.ts';
import { FACE, ownerIn, rowOf } from '../../testing/temporary-store.ts';

const store = Store.open(process.argv[2] as string);
const owner = ownerIn(store);
let stopping = false;
process.on('SIGTERM', () => {
  stopping = true;
});

async function write(writer: number): Promise<void> {
  for (let n = 0; !stopping; n++) {
    const { faceId } = await store.faces.add(owner, 'people', FACE, rowOf(n));
    process.stdout.write(`${faceId}\n`);
    const key = { faceId, externalKey: `writer-${writer}`, allowDuplicates: true };
    await store.externalKeys.set(owner, 'people', key);
    const passing = await store.faces.add(owner, 'people', FACE, rowOf(n));
    await store.faces.removeById(owner, 'people', passing.faceId);
  }
}

await Promise.all([1, 2, 3, 4].map(write));
await store.close();
