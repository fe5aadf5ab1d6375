import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FACE, storeWithCollection } from '../../testing/temporary-store.ts';

let unhandled = 0;
process.on('unhandledRejection', () => unhandled++);

const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
const { store, owner } = await storeWithCollection(folder);
const big = new Uint8Array(2048);
const placed: string[] = [];
const codes = new Set<string>();
while (codes.size === 0) {
  const batch = Array.from({ length: 8 }, () => store.faces.add(owner, 'people', FACE, big));
  for (const result of await Promise.allSettled(batch)) {
    if (result.status === 'fulfilled') placed.push(result.value.faceId);
    else codes.add(result.reason.code);
  }
}
const added = placed.length;
for (const faceId of placed.splice(0, 40)) await store.faces.removeById(owner, 'people', faceId);
const after = await store.faces.add(owner, 'people', FACE, big);
await new Promise((resolve) => setImmediate(resolve));
console.log(
  JSON.stringify({
    added,
    count: store.faces.count(after.gallery) + 40 - 1,
    refusedWith: [...codes],
    problems: store.check(),
    unhandled,
  }),
);
await store.close();
rmSync(folder, { recursive: true });
